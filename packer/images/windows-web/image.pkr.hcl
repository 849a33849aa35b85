# What makes this image different from the other Windows images.

variable "application_name" {
  description = "The name of the application: of its site, its application pool and its directory below C:\\sites."
  type        = string
  default     = "application"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.application_name))
    error_message = "The application_name must have up to 31 of the characters a-z0-9-, the first a letter."
  }
}

variable "application_version" {
  description = "The version of the application, as it will be found below C:\\sites\\<application_name>."
  type        = string
  default     = "0.0.0"

  validation {
    condition     = can(regex("^[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}$", var.application_version))
    error_message = "The application_version must have up to 64 of the characters 0-9A-Za-z.+~_-."
  }
}

variable "application_package_url" {
  description = "An https:// or s3:// URL of a .zip or .msi. Empty: the web server without an application."
  type        = string
  default     = ""

  validation {
    condition     = var.application_package_url == "" || can(regex("^(https|s3)://[^ ]+[.](zip|msi)$", var.application_package_url))
    error_message = "The application_package_url must be an https:// or s3:// URL that ends in .zip or .msi."
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

variable "application_port" {
  description = "The port of the application's site."
  type        = number
  default     = 80

  validation {
    condition     = var.application_port >= 1 && var.application_port <= 65535
    error_message = "The application_port must be from 1 to 65535."
  }
}

variable "dotnet_hosting_bundle_url" {
  description = "The installer of a .NET hosting bundle: https:// or s3://. Empty: .NET Framework only."
  type        = string
  default     = ""

  validation {
    condition     = var.dotnet_hosting_bundle_url == "" || can(regex("^(https|s3)://[^ ]+[.]exe$", var.dotnet_hosting_bundle_url))
    error_message = "The dotnet_hosting_bundle_url must be an https:// or s3:// URL of an .exe."
  }
}

variable "dotnet_hosting_bundle_sha256" {
  description = "The SHA-256 of the hosting bundle. Empty: its signature by Microsoft is checked instead."
  type        = string
  default     = ""

  validation {
    condition     = var.dotnet_hosting_bundle_sha256 == "" || can(regex("^[0-9a-f]{64}$", var.dotnet_hosting_bundle_sha256))
    error_message = "The dotnet_hosting_bundle_sha256 must have 64 hexadecimal digits."
  }
}

locals {
  description = "IIS, .NET and an application on windows-base"

  image_scripts = [
    "${path.root}/scripts/install-web-server.ps1",
    "${path.root}/scripts/install-application.ps1",
  ]

  image_environment = {
    APPLICATION_NAME             = var.application_name
    APPLICATION_VERSION          = var.application_version
    APPLICATION_PORT             = var.application_port
    APPLICATION_PACKAGE_URL      = var.application_package_url
    APPLICATION_PACKAGE_SHA256   = var.application_package_sha256
    DOTNET_HOSTING_BUNDLE_URL    = var.dotnet_hosting_bundle_url
    DOTNET_HOSTING_BUNDLE_SHA256 = var.dotnet_hosting_bundle_sha256
  }
}
