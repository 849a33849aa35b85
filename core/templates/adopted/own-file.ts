/** What packleader adds to a template that knows nothing of it, in a file of its own. */
import type { ToldVariable } from '../../configuration/settings.ts';

export const OWN_FILE = 'packleader.pkr.hcl';
/** The variable that holds everything that packleader tells, so that only one name can be taken. */
export const TOLD = 'packleader';
export const SOURCE_AMI = 'packleader_source_ami';
/** The subnet of the builder, alone: the bake tries one after the other. */
export const SUBNET = 'packleader_subnet_id';
/** What the builder is, likewise. */
export const INSTANCE_TYPE = 'packleader_instance_type';
/** What the bake tells by itself, each in a variable of its own. */
export const ALONE: Readonly<Partial<Record<ToldVariable, string>>> = {
  source_ami: SOURCE_AMI,
  subnet_id: SUBNET,
  instance_type: INSTANCE_TYPE,
};
export const TAGS = 'local.packleader_tags';

/** The plugin that the shipped templates pin: one that names none gets the same in every account. */
export const AMAZON_PLUGIN = '= 1.3.2';

export const ownFile = (
  asksForPlugin: boolean,
): string => `# Written by packleader into the copy that is baked, and nowhere else.
${asksForPlugin ? '' : PLUGIN}
variable "${TOLD}" {
  description = "What packleader tells every bake."
  type = object({
    ami_name             = string
    instance_profile     = string
    kms_key_id           = string
    region               = string
    root_volume_size_gib = number
    security_group_ids   = list(string)
    tags                 = map(string)
    vpc_id               = string
  })
}

variable "${SOURCE_AMI}" {
  description = "The AMI that the bake starts from: resolved once per release, and the same in every account."
  type        = string
}

variable "${SUBNET}" {
  description = "Where the builder runs; empty in the default VPC."
  type        = string
}

variable "${INSTANCE_TYPE}" {
  description = "What the builder is."
  type        = string
}

locals {
  packleader_tags = merge(var.${TOLD}.tags, { "packleader:source-ami" = var.${SOURCE_AMI} })
}
`;

const PLUGIN = `
packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = "${AMAZON_PLUGIN}"
    }
  }
}
`;

/** At the end of a build that says nowhere which AMI it made. */
export const MANIFEST: readonly string[] = [
  'post-processor "manifest" {',
  '  output     = "packer-manifest.json"',
  '  strip_path = true',
  '  custom_data = {',
  `    release    = var.${TOLD}.tags["packleader:release"]`,
  `    source_ami = var.${SOURCE_AMI}`,
  '  }',
  '}',
];
