packer {
  required_plugins {
    amazon = {
      version = "~> 1.3"
      source  = "github.com/hashicorp/amazon"
    }
  }
}

variable "endpoint" {
  type    = string
  default = env("AWS_ENDPOINT_URL")
}

source "amazon-ebs" "web" {
  custom_endpoint_ec2 = var.endpoint
  ami_name            = "web-{{timestamp}}"
  ami_users           = ["999999999999"]
  region              = "us-west-2"
  instance_type       = "t3.micro"
  source_ami          = "ami-0123456789abcdef0"
  ssh_username        = "admin"
  ssh_interface       = "private_ip"
  user_data_file      = "${path.root}/../shared/cloud-init.yaml"
}

build {
  sources = ["source.amazon-ebs.web"]
  provisioner "file" {
    source      = "../shared/conf/"
    destination = "/tmp"
  }
  provisioner "shell" {
    scripts = ["scripts/x.sh", "../shared/harden.sh"]
  }
}
