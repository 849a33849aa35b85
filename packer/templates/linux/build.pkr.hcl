# The provisioning, in its order. What differs between Linux images is in their image.pkr.hcl, playbooks/ and checks/.

locals {
  as_root = "sudo env {{ .Vars }} bash {{ .Path }}"

  # What the image says of itself, in /etc/packleader/image.json.
  identity = {
    image     = var.tags["packleader:image"]
    version   = var.tags["packleader:version"]
    commit    = var.tags["packleader:commit"]
    release   = var.tags["packleader:release"]
    sourceAmi = var.source_ami
  }
}

build {
  name    = "image"
  sources = ["source.amazon-ebs.image"]

  provisioner "shell" {
    script          = "${path.root}/bake/wait-for-boot.sh"
    execute_command = local.as_root
    env             = { LIFETIME_MINUTES = var.timeout_minutes + 30 }
    timeout         = "15m"
  }

  # The playbooks that bake the image are the ones it carries.
  provisioner "shell" {
    inline         = ["mkdir /tmp/packleader"]
    inline_shebang = "/bin/sh -eu"
  }
  provisioner "file" {
    sources     = ["${path.root}/ansible", "${path.root}/../../schemas", "${path.root}/playbooks"]
    destination = "/tmp/packleader/"
  }
  provisioner "file" {
    content     = jsonencode(local.identity)
    destination = "/tmp/packleader/image.json"
  }
  # Packer takes braces in what it uploads for a template of its own; in JSON they can be written otherwise.
  provisioner "file" {
    content     = replace(jsonencode(merge(local.image_variables, { patches_install = var.patch })), "{{", "\\u007b\\u007b")
    destination = "/tmp/packleader/variables.json"
  }
  provisioner "shell" {
    script          = "${path.root}/bake/install-ansible.sh"
    execute_command = local.as_root
    timeout         = "15m"
  }

  provisioner "shell" {
    script          = "${path.root}/bake/run-playbook.sh"
    execute_command = local.as_root
    env             = { PLAYBOOK = "/opt/packleader/ansible/patch.yml" }
    timeout         = "60m"
  }
  provisioner "shell" {
    script            = "${path.root}/bake/reboot-if-needed.sh"
    execute_command   = local.as_root
    expect_disconnect = true
    skip_clean        = true
  }
  provisioner "shell" {
    script              = "${path.root}/bake/wait-for-boot.sh"
    execute_command     = local.as_root
    env                 = { LIFETIME_MINUTES = var.timeout_minutes + 30 }
    start_retry_timeout = "10m"
    timeout             = "15m"
  }

  provisioner "shell" {
    script          = "${path.root}/bake/run-playbook.sh"
    execute_command = local.as_root
    env = {
      PLAYBOOK          = "/opt/packleader/playbooks/bake.yml"
      CHECK_IDEMPOTENCE = var.check_idempotence
    }
    timeout = "60m"
  }

  provisioner "shell" {
    script          = "${path.root}/bake/write-package-manifest.sh"
    execute_command = local.as_root
    timeout         = "5m"
  }
  provisioner "shell" {
    script          = "${path.root}/bake/clean-up.sh"
    execute_command = local.as_root
    timeout         = "10m"
  }

  # Last, so that what is checked is what becomes the AMI.
  provisioner "shell" {
    inline         = ["mkdir /tmp/packleader-checks"]
    inline_shebang = "/bin/sh -eu"
  }
  provisioner "file" {
    source      = "${path.root}/checks/"
    destination = "/tmp/packleader-checks/"
  }
  provisioner "shell" {
    script          = "${path.root}/bake/run-checks.sh"
    execute_command = local.as_root
    env             = { ARCHITECTURE = var.architecture, IMAGE = local.identity.image }
    timeout         = "10m"
  }

  provisioner "file" {
    direction   = "download"
    source      = "/etc/packleader/package-manifest.tsv"
    destination = "package-manifest.tsv"
  }
  provisioner "file" {
    direction   = "download"
    source      = "/etc/packleader/package-manifest.tsv.sha256"
    destination = "package-manifest.tsv.sha256"
  }

  # Only of a builder that is to be kept when the bake fails; without it nobody keeps one.
  error-cleanup-provisioner "shell" {
    only            = var.keep_minutes > 0 ? ["amazon-ebs.image"] : ["none"]
    script          = "${path.root}/bake/keep-builder.sh"
    execute_command = local.as_root
    env             = { KEEP_MINUTES = var.keep_minutes }
    timeout         = "5m"
  }

  post-processor "manifest" {
    output     = "packer-manifest.json"
    strip_path = true
    custom_data = {
      release    = var.tags["packleader:release"]
      source_ami = var.source_ami
    }
  }
}
