packer {
  required_version = ">= 1.11.0"

  required_plugins {
    amazon = {
      source = "github.com/hashicorp/amazon"
      # One exact version, so that every account bakes with the same plugin. It is the version that
      # tools/packer-plugin-amazon builds from source where no plugin can be downloaded; change both together.
      version = "= 1.3.2"
    }
  }
}
