packer {
  required_plugins {
    amazon = {
      version = "~> 1.3"
      source  = "github.com/hashicorp/amazon"
    }
  }
}

build {
  name    = "fleet"
  sources = ["source.amazon-ebs.worker", "source.amazon-ebs.other"]

  provisioner "shell" {
    only   = ["amazon-ebs.other"]
    inline = ["exit 1"]
  }
  provisioner "shell" {
    inline = concat(["test ${data.amazon-ami.base.id} = ${build.SourceAMI}"], [for one in var.packages : "echo ${one}"])
  }
}
