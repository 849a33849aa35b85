# What packleader sets for every bake, then what all Linux images have.

variable "region" {
  description = "The region of the target, such as eu-west-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "The region must look like eu-west-1."
  }
}

variable "source_ami" {
  description = "The AMI that the bake starts from: resolved once per release, and the same in every account."
  type        = string

  validation {
    condition     = can(regex("^ami-[0-9a-f]{8,17}$", var.source_ami))
    error_message = "The source_ami must look like ami-0123456789abcdef0; packleader passes it as PKR_VAR_source_ami."
  }
}

variable "ami_name" {
  description = "The name of the AMI: <image>-<version>-g<commit>. It is an error if an AMI of that name exists."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9()\\[\\] ./'@_-]{3,128}$", var.ami_name))
    error_message = "The ami_name must have 3 to 128 of the characters A-Za-z0-9()[] ./-'@_ ."
  }
}

variable "tags" {
  description = "The tags of the release, for everything that the bake creates."
  type        = map(string)

  validation {
    condition = length(setintersection(
      ["Name", "packleader:release", "packleader:image", "packleader:version", "packleader:commit", "packleader:state"],
      keys(var.tags),
    )) == 6
    error_message = "The tags must have Name and packleader:release, :image, :version, :commit and :state: a rollback finds the AMI by them."
  }
}

variable "instance_type" {
  description = "The instance type of the builder; its architecture must be that of the source AMI."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+[.][a-z0-9-]+$", var.instance_type))
    error_message = "The instance_type must look like m7g.large."
  }
}

variable "spot" {
  description = "Whether the builder is a Spot Instance."
  type        = bool
  default     = false
}

variable "keep_minutes" {
  description = "How long the builder is kept for somebody to look at when the bake fails, in minutes; 0 for not at all."
  type        = number
  default     = 0
}

variable "architecture" {
  description = "The architecture of the image: x86_64 or arm64. A check inside the image compares."
  type        = string

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture must be one of: x86_64, arm64."
  }
}

variable "vpc_id" {
  description = "The VPC of the builder, or null for the account's default one."
  type        = string
  default     = null

  validation {
    condition     = var.vpc_id == null || var.vpc_id == "" || can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "The vpc_id must look like vpc-0123456789abcdef0."
  }
}

variable "subnet_id" {
  description = "The subnet of the builder, or null for one of the default VPC."
  type        = string
  default     = null

  validation {
    condition     = var.subnet_id == null || var.subnet_id == "" || can(regex("^subnet-[0-9a-f]+$", var.subnet_id))
    error_message = "The subnet_id must look like subnet-0123456789abcdef0."
  }
}

variable "security_group_ids" {
  description = "The security groups of the builder. Empty: Packer makes a temporary one, and deletes it."
  type        = list(string)
  default     = []

  validation {
    condition     = length([for id in var.security_group_ids : id if !can(regex("^sg-[0-9a-f]+$", id))]) == 0
    error_message = "Each of security_group_ids must look like sg-0123456789abcdef0."
  }
}

variable "kms_key_id" {
  description = "The key that encrypts the snapshots (id, ARN or alias), or null for the account's default EBS key."
  type        = string
  default     = null
}

variable "instance_profile" {
  description = "The instance profile of the builder. Session Manager needs one that may talk to it, as packleader-builder may."
  type        = string
  default     = null
}

variable "timeout_minutes" {
  description = "How long the bake may take; a builder that nobody stopped ends itself half an hour later."
  type        = number
}

variable "root_volume_size_gib" {
  description = "The size of the root volume in GiB; at least that of the source AMI."
  type        = number
  default     = 16

  validation {
    condition     = var.root_volume_size_gib >= 8 && var.root_volume_size_gib <= 1024
    error_message = "The root_volume_size_gib must be from 8 to 1024."
  }
}

variable "ssh_interface" {
  description = "How Packer reaches the builder. session_manager needs no inbound port; private_ip a bake inside the VPC."
  type        = string
  default     = "session_manager"

  validation {
    condition     = contains(["session_manager", "private_ip", "public_ip"], var.ssh_interface)
    error_message = "The ssh_interface must be one of: session_manager, private_ip, public_ip."
  }
}

variable "ssh_username" {
  description = "The login of the source AMI: ec2-user (Amazon Linux), admin (Debian), ubuntu (Ubuntu)."
  type        = string
  default     = "ec2-user"

  validation {
    condition     = can(regex("^[a-z_][a-z0-9_-]{0,31}$", var.ssh_username))
    error_message = "The ssh_username must be a Linux account name."
  }
}

variable "root_device_name" {
  description = "The root device of the source AMI: /dev/xvda (Amazon Linux, Debian) or /dev/sda1 (Ubuntu)."
  type        = string
  default     = "/dev/xvda"

  validation {
    condition     = can(regex("^/dev/[a-z0-9]+$", var.root_device_name))
    error_message = "The root_device_name must look like /dev/xvda."
  }
}

variable "builder_source_cidrs" {
  description = "Who may reach port 22 of the builder when Packer makes the security group and ssh_interface is private_ip."
  type        = list(string)
  default     = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]

  validation {
    condition     = length(var.builder_source_cidrs) > 0 && !contains(var.builder_source_cidrs, "0.0.0.0/0")
    error_message = "The builder_source_cidrs must name at least one network, and not the whole internet."
  }
}

variable "patch" {
  description = "Whether the bake installs every update that the distribution offers."
  type        = bool
  default     = true
}

variable "check_idempotence" {
  description = "Whether the bake runs the playbook a second time and fails if that changes anything."
  type        = bool
  default     = true
}

variable "aws_endpoint_url" {
  description = "An AWS to use in place of the real one, as in AWS's own tools. The plugin does not read that variable itself."
  type        = string
  default     = env("AWS_ENDPOINT_URL")
}
