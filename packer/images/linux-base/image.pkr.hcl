# What makes this image different from the other Linux images.

variable "users" {
  description = "Accounts that every instance has, with the SSH public keys that may log in and whether they may use sudo."
  type = list(object({
    name            = string
    comment         = string
    authorized_keys = list(string)
    sudo            = bool
  }))
  default = []

  validation {
    condition     = length([for user in var.users : user if !can(regex("^[a-z_][a-z0-9_-]{0,31}$", user.name)) || user.name == "root"]) == 0
    error_message = "Each of users must have a Linux account name, and not root."
  }
}

variable "timezone" {
  description = "The time zone of the instances."
  type        = string
  default     = "UTC"

  validation {
    condition     = can(regex("^[A-Za-z0-9_+/-]+$", var.timezone))
    error_message = "The timezone must look like UTC or Europe/Berlin."
  }
}

variable "monitoring_agent" {
  description = "The agent that sends metrics and logs: amazon-cloudwatch-agent, prometheus-node-exporter (Debian and Ubuntu) or none."
  type        = string
  default     = "amazon-cloudwatch-agent"

  validation {
    condition     = contains(["amazon-cloudwatch-agent", "prometheus-node-exporter", "none"], var.monitoring_agent)
    error_message = "The monitoring_agent must be one of: amazon-cloudwatch-agent, prometheus-node-exporter, none."
  }
}

variable "monitoring_agent_url" {
  description = "Where the CloudWatch agent's .deb is; Amazon Linux has it in its own repository. Empty: the repository."
  type        = string
  default     = ""

  validation {
    condition     = var.monitoring_agent_url == "" || can(regex("^https://[^ ]+[.](deb|rpm)$", var.monitoring_agent_url))
    error_message = "The monitoring_agent_url must be an https:// URL of a .deb or .rpm."
  }
}

variable "monitoring_agent_sha256" {
  description = "The SHA-256 of what monitoring_agent_url names."
  type        = string
  default     = ""

  validation {
    condition     = var.monitoring_agent_sha256 == "" || can(regex("^[0-9a-f]{64}$", var.monitoring_agent_sha256))
    error_message = "The monitoring_agent_sha256 must have 64 hexadecimal digits."
  }
}

variable "log_retention_days" {
  description = "How long the instance itself keeps its logs."
  type        = number
  default     = 30

  validation {
    condition     = var.log_retention_days >= 1 && var.log_retention_days <= 3650
    error_message = "The log_retention_days must be from 1 to 3650."
  }
}

locals {
  description = "Hardened Linux with logging, monitoring and provisioning at boot"

  # By the names of the roles' variables.
  image_variables = {
    users_accounts          = var.users
    system_timezone         = var.timezone
    logging_retention_days  = var.log_retention_days
    monitoring_agent        = var.monitoring_agent
    monitoring_agent_url    = var.monitoring_agent_url
    monitoring_agent_sha256 = var.monitoring_agent_sha256
  }
}
