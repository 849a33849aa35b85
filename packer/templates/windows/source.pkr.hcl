# The builder instance and the AMI.

locals {
  # EC2Launch v2 runs what is between the tags once, at the first boot.
  user_data = "<powershell>\n${file("${path.root}/bake/open-winrm.ps1")}\n</powershell>\n"

  tags = merge(var.tags, { "packleader:source-ami" = var.source_ami })
}

source "amazon-ebs" "image" {
  region              = var.region
  custom_endpoint_ec2 = var.aws_endpoint_url
  max_retries         = 8

  # The AMI. It is shared, protected and published by the release once every account has it, never here.
  ami_name              = var.ami_name
  ami_description       = local.description
  force_deregister      = false
  force_delete_snapshot = false
  imds_support          = "v2.0"

  # The builder is tagged before it exists, and so is what it leaves behind if Packer is killed.
  run_tags        = local.tags
  run_volume_tags = local.tags
  tags            = local.tags
  snapshot_tags   = local.tags

  # The builder
  source_ami           = var.source_ami
  instance_type        = var.instance_type
  iam_instance_profile = var.instance_profile
  # Sysprep shuts Windows down from the inside: `terminate` would take the builder away before its AMI is made.
  shutdown_behavior     = "stop"
  disable_stop_instance = true
  user_data             = local.user_data
  no_ephemeral          = true

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # Encrypted from the start, so that no unencrypted snapshot and no second copy ever exist.
  launch_block_device_mappings {
    device_name           = var.root_device_name
    volume_type           = "gp3"
    volume_size           = var.root_volume_size_gib
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }

  # The network. Only port 5986 is opened, and only to those who bake.
  vpc_id                                    = var.vpc_id
  subnet_id                                 = var.subnet_id
  security_group_ids                        = var.security_group_ids
  associate_public_ip_address               = var.winrm_interface == "public_ip" ? true : null
  temporary_security_group_source_cidrs     = var.winrm_interface == "private_ip" ? var.builder_source_cidrs : []
  temporary_security_group_source_public_ip = var.winrm_interface == "public_ip"

  # The certificate is the builder's own, made at its first boot: there is nobody who could vouch for it.
  communicator   = "winrm"
  ssh_interface  = var.winrm_interface
  winrm_username = "Administrator"
  winrm_port     = 5986
  winrm_use_ssl  = true
  winrm_insecure = true
  winrm_use_ntlm = true
  winrm_timeout  = var.winrm_timeout
  # EC2 encrypts the password with it, which needs RSA.
  temporary_key_pair_type  = "rsa"
  windows_password_timeout = "20m"

  # Up to an hour for a large snapshot; the default gives up after ten minutes and leaves the AMI behind.
  aws_polling {
    delay_seconds = 15
    max_attempts  = 240
  }
}
