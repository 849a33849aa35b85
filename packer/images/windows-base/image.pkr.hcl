# What makes this image different from the other Windows images.

variable "octopus_tentacle_version" {
  description = "The version of the Octopus Tentacle, such as 8.2.2."
  type        = string
  default     = "8.2.2"

  validation {
    condition     = can(regex("^[0-9]+[.][0-9]+[.][0-9]+$", var.octopus_tentacle_version))
    error_message = "The octopus_tentacle_version must look like 8.2.2."
  }
}

variable "octopus_tentacle_url" {
  description = "Where the Tentacle's .msi is: https:// or s3://. Empty: Octopus's own download site."
  type        = string
  default     = ""

  validation {
    condition     = var.octopus_tentacle_url == "" || can(regex("^(https|s3)://[^ ]+[.]msi$", var.octopus_tentacle_url))
    error_message = "The octopus_tentacle_url must be an https:// or s3:// URL of an .msi."
  }
}

variable "octopus_tentacle_sha256" {
  description = "The SHA-256 of the Tentacle's .msi. Empty: its signature by Octopus Deploy is checked instead."
  type        = string
  default     = ""

  validation {
    condition     = var.octopus_tentacle_sha256 == "" || can(regex("^[0-9a-f]{64}$", var.octopus_tentacle_sha256))
    error_message = "The octopus_tentacle_sha256 must have 64 hexadecimal digits."
  }
}

variable "monitoring_agent" {
  description = "The agent that sends metrics and logs: amazon-cloudwatch-agent or none."
  type        = string
  default     = "amazon-cloudwatch-agent"

  validation {
    condition     = contains(["amazon-cloudwatch-agent", "none"], var.monitoring_agent)
    error_message = "The monitoring_agent must be one of: amazon-cloudwatch-agent, none."
  }
}

variable "monitoring_agent_url" {
  description = "Where the CloudWatch agent's .msi is: https:// or s3://."
  type        = string
  default     = "https://amazoncloudwatch-agent.s3.amazonaws.com/windows/amd64/latest/amazon-cloudwatch-agent.msi"

  validation {
    condition     = can(regex("^(https|s3)://[^ ]+[.]msi$", var.monitoring_agent_url))
    error_message = "The monitoring_agent_url must be an https:// or s3:// URL of an .msi."
  }
}

variable "monitoring_agent_sha256" {
  description = "The SHA-256 of the agent's .msi. Empty: its signature by Amazon is checked instead."
  type        = string
  default     = ""

  validation {
    condition     = var.monitoring_agent_sha256 == "" || can(regex("^[0-9a-f]{64}$", var.monitoring_agent_sha256))
    error_message = "The monitoring_agent_sha256 must have 64 hexadecimal digits."
  }
}

locals {
  description = "Hardened Windows with the Octopus Tentacle, not configured, and registration at boot"

  image_scripts = [
    "${path.root}/bake/install-monitoring-agent.ps1",
    "${path.root}/scripts/install-octopus-tentacle.ps1",
  ]

  image_environment = {
    MONITORING_AGENT         = var.monitoring_agent
    MONITORING_AGENT_URL     = var.monitoring_agent_url
    MONITORING_AGENT_SHA256  = var.monitoring_agent_sha256
    OCTOPUS_TENTACLE_VERSION = var.octopus_tentacle_version
    OCTOPUS_TENTACLE_SHA256  = var.octopus_tentacle_sha256
    OCTOPUS_TENTACLE_URL = (
      var.octopus_tentacle_url != ""
      ? var.octopus_tentacle_url
      : "https://download.octopusdeploy.com/octopus/Octopus.Tentacle.${var.octopus_tentacle_version}-x64.msi"
    )
  }
}
