# The provisioning, in its order. What differs between Windows images is in their image.pkr.hcl, scripts/ and checks/.

locals {
  # What the image says of itself, in C:\packleader\image.json.
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

  provisioner "powershell" {
    script  = "${path.root}/bake/wait-for-signal.ps1"
    env     = { SIGNAL_TIMEOUT_SECONDS = "600" }
    timeout = "15m"
  }

  provisioner "powershell" {
    inline = [
      "$ErrorActionPreference = 'Stop'",
      "Remove-Item -Path C:\\packleader\\scripts, C:\\packleader\\checks -Recurse -Force -ErrorAction SilentlyContinue",
      "New-Item -Path C:\\packleader\\logs, C:\\packleader\\checks -ItemType Directory -Force | Out-Null",
    ]
    timeout = "5m"
  }
  provisioner "file" {
    source      = "${path.root}/instance/scripts"
    destination = "C:/packleader/"
    timeout     = "10m"
  }
  provisioner "file" {
    sources     = [for file in fileset(path.root, "checks/*.ps1") : "${path.root}/${file}"]
    destination = "C:/packleader/checks/"
    timeout     = "10m"
  }
  provisioner "file" {
    content     = jsonencode(local.identity)
    destination = "C:/packleader/image.json"
    timeout     = "5m"
  }

  # Twice, because some updates are offered only once others are installed.
  provisioner "powershell" {
    script            = "${path.root}/bake/install-updates.ps1"
    env               = { INSTALL_UPDATES = var.install_updates }
    elevated_user     = "SYSTEM"
    elevated_password = ""
    timeout           = "${var.timeout_minutes}m"
  }
  provisioner "windows-restart" {
    restart_timeout = "45m"
    check_registry  = true
  }
  provisioner "powershell" {
    script            = "${path.root}/bake/install-updates.ps1"
    env               = { INSTALL_UPDATES = var.install_updates }
    elevated_user     = "SYSTEM"
    elevated_password = ""
    timeout           = "${var.timeout_minutes}m"
  }
  provisioner "windows-restart" {
    restart_timeout = "45m"
    check_registry  = true
  }

  provisioner "powershell" {
    scripts = concat(["${path.root}/bake/configure-windows.ps1"], local.image_scripts)
    env     = local.image_environment
    timeout = "60m"
  }
  provisioner "windows-restart" {
    restart_timeout = "20m"
    check_registry  = true
  }

  provisioner "powershell" {
    scripts = [
      "${path.root}/bake/write-package-manifest.ps1",
      "${path.root}/bake/clean-up.ps1",
      "${path.root}/bake/run-checks.ps1",
    ]
    env     = { IMAGE = local.identity.image }
    timeout = "90m"
  }
  provisioner "file" {
    direction   = "download"
    source      = "C:/packleader/package-manifest.tsv"
    destination = "package-manifest.tsv"
  }
  provisioner "file" {
    direction   = "download"
    source      = "C:/packleader/package-manifest.tsv.sha256"
    destination = "package-manifest.tsv.sha256"
  }

  # Last: it shuts the builder down.
  provisioner "powershell" {
    script     = "${path.root}/bake/seal.ps1"
    skip_clean = true
    timeout    = "45m"
  }

  # Only of a builder that is to be kept when the bake fails; without it nobody keeps one.
  error-cleanup-provisioner "powershell" {
    only    = var.keep_minutes > 0 ? ["amazon-ebs.image"] : ["none"]
    script  = "${path.root}/bake/keep-builder.ps1"
    env     = { KEEP_MINUTES = var.keep_minutes }
    timeout = "5m"
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
