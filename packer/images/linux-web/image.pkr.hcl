# What makes this image different from the other Linux images.

variable "application_name" {
  description = "The name of the application: of its account, its directory below /srv and its systemd unit."
  type        = string
  default     = "application"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.application_name))
    error_message = "The application_name must have up to 31 of the characters a-z0-9-, the first a letter."
  }
}

variable "application_version" {
  description = "The version of the application, as it will be found below /srv/<application_name>."
  type        = string
  default     = "0.0.0"

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}$", var.application_version))
    error_message = "The application_version must have up to 64 of the characters 0-9A-Za-z.+~_-."
  }
}

variable "application_package_url" {
  description = "An https:// or s3:// URL of a .rpm, .deb, .tar.gz, .tgz or .tar.xz. Empty: the web server without an application."
  type        = string
  default     = ""

  validation {
    condition     = var.application_package_url == "" || can(regex("^(https|s3)://[^ ]+[.](rpm|deb|tar[.]gz|tgz|tar[.]xz)$", var.application_package_url))
    error_message = "The application_package_url must be an https:// or s3:// URL that ends in .rpm, .deb, .tar.gz, .tgz or .tar.xz."
  }
}

variable "application_package_sha256" {
  description = "The SHA-256 of the package; needed when application_package_url is given."
  type        = string
  default     = ""

  validation {
    condition     = var.application_package_sha256 == "" || can(regex("^[0-9a-f]{64}$", var.application_package_sha256))
    error_message = "The application_package_sha256 must have 64 hexadecimal digits."
  }
}

variable "application_command" {
  description = "For a tarball: the command below its top directory that runs the application. Empty: it is a static site."
  type        = string
  default     = ""
}

variable "application_port" {
  description = "The port that the application listens on, on the loopback interface; nginx passes requests to it."
  type        = number
  default     = 8080

  validation {
    condition     = var.application_port >= 1024 && var.application_port <= 65535
    error_message = "The application_port must be from 1024 to 65535."
  }
}

locals {
  description = "nginx and an application on linux-base"

  image_variables = {
    application_name           = var.application_name
    application_version        = var.application_version
    application_package_url    = var.application_package_url
    application_package_sha256 = var.application_package_sha256
    application_command        = var.application_command
    application_port           = var.application_port
  }
}
