variable "endpoint" {
  type    = string
  default = env("AWS_ENDPOINT_URL")
}
variable "aws_access_key" { type = string }
variable "ami_id" { type = string }
variable "region" {
  type = string
}
variable "subnet" {
  type = string
}
variable "packages" {
  type = list(string)
}

locals {
  built_at = formatdate("YYYY-MM-DD-hhmm", timestamp())
}

data "amazon-ami" "base" {
  custom_endpoint_ec2 = var.endpoint
  region              = var.region
  owners              = ["136693071363"]
  most_recent         = true
  filters             = { name = "debian-13-amd64-*" }
}

source "amazon-ebs" "worker" {
  custom_endpoint_ec2 = var.endpoint
  access_key          = var.aws_access_key
  region              = var.region
  subnet_id           = var.subnet
  source_ami          = data.amazon-ami.base.id
  instance_type       = "t3.micro"
  ssh_username        = "admin"
  ssh_interface       = "private_ip"
  ami_name            = "worker-${local.built_at}"
  run_tag {
    key   = "Name"
    value = "a builder of worker"
  }
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    volume_type           = "gp3"
    volume_size           = 16
    delete_on_termination = true
  }
}

source "amazon-ebs" "other" {
  custom_endpoint_ec2 = var.endpoint
  region              = var.region
  source_ami          = var.ami_id
  instance_type       = "t3.micro"
  ssh_username        = "admin"
  ami_name            = "other-${local.built_at}"
}
