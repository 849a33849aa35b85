# The builder instance and the AMI.

locals {
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
  shutdown_behavior    = "terminate"
  # An image of ours that is the source provisions itself at boot: this tells it to leave that to the bake.
  user_data = jsonencode({ environment = "bake", role = "builder" })

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  # A launch template and a fleet come with a Spot Instance, of which the template is left behind if Packer is killed.
  spot_price = var.spot ? "auto" : null
  spot_tags  = var.spot ? local.tags : null
  fleet_tags = var.spot ? local.tags : null

  # Encrypted from the start, so that no unencrypted snapshot and no second copy ever exist.
  launch_block_device_mappings {
    device_name           = var.root_device_name
    volume_type           = "gp3"
    volume_size           = var.root_volume_size_gib
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }

  # The network. With Session Manager the temporary security group gets no rule at all.
  vpc_id                                    = var.vpc_id
  subnet_id                                 = var.subnet_id
  security_group_ids                        = var.security_group_ids
  associate_public_ip_address               = var.ssh_interface == "public_ip" ? true : null
  temporary_security_group_source_cidrs     = var.ssh_interface == "private_ip" ? var.builder_source_cidrs : []
  temporary_security_group_source_public_ip = var.ssh_interface == "public_ip"

  communicator            = "ssh"
  ssh_interface           = var.ssh_interface
  ssh_username            = var.ssh_username
  ssh_timeout             = "10m"
  temporary_key_pair_type = "ed25519"

  # Up to an hour for a large snapshot; the default gives up after ten minutes and leaves the AMI behind.
  aws_polling {
    delay_seconds = 15
    max_attempts  = 240
  }
}
