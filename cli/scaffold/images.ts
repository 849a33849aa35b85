/** The smallest image of the shipped kind that bakes: its settings, its playbook or script, and a check. */
import { stringify } from 'yaml';
import type { NewFile } from './changes.ts';
import { type Platform, type SchemaName } from './package-files.ts';
import { type PublicSource, parameterFor } from './sources.ts';

export interface ImageDraft {
  readonly name: string;
  readonly description: string;
  readonly platform: Platform;
  /** The template, where it is another one than that of the platform. */
  readonly template?: string;
  /** What its `config/default.yaml` says. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The image it is built on, or the public AMI. */
  readonly on: string | PublicSource;
}

/** How a YAML file of the factory begins; the path is one in the factory. */
export type FirstLine = (path: string, schema: SchemaName) => string;

/** An image that starts from a public AMI. */
export function draftFrom(
  name: string,
  source: PublicSource,
  architecture: 'x86_64' | 'arm64',
  description = `${name} on ${source.title}`,
): ImageDraft {
  const { parameter, architecture: is } = parameterFor(source, architecture);
  const settings = {
    source: { ssmParameter: parameter, maxAgeDays: 60 },
    ...(is !== architecture && { architecture: is }),
    ...source.settings,
  };
  return { name, description, platform: source.platform, settings, on: source };
}

/** The files of an image, by their paths in the factory. */
export function imageFiles(draft: ImageDraft, firstLine: FirstLine): NewFile[] {
  const directory = `images/${draft.name}`;
  const files: readonly (readonly [string, string])[] = [
    ['image.yaml', firstLine(`${directory}/image.yaml`, 'image') + imageYaml(draft)],
    [
      'config/default.yaml',
      firstLine(`${directory}/config/default.yaml`, 'layer') +
        stringify(draft.settings, { singleQuote: true }),
    ],
    ...(draft.platform === 'linux' ? linuxFiles(draft) : windowsFiles(draft)),
  ];
  return files.map(([name, content]) => ({ path: `${directory}/${name}`, content }));
}

const imageYaml = ({ description, platform, template }: ImageDraft): string =>
  `${stringify({ description }).trimEnd()}

# <major>.<minor>; a release appends its own time. In quotes, because YAML reads 1.10 as the number 1.1.
version: '1.0'

platform: ${platform}
${template === undefined ? '' : `template: ${template}\n`}`;

// ---------------------------------------------------------------------------------------------- Linux

/** What every Linux image must have that is built on no image of the factory: the template’s checks ask for it. */
const BASE_ROLES = ['system', 'users', 'logging', 'monitoring', 'hardening', 'self_provisioning'];

const linuxFiles = (draft: ImageDraft): [string, string][] => [
  ['image.pkr.hcl', linuxHcl(draft)],
  ['playbooks/bake.yml', playbook(draft)],
  ['checks/image.sh', linuxChecks(draft)],
];

function linuxHcl({ description, on }: ImageDraft): string {
  const variables = typeof on === 'string' ? {} : (on.roleVariables ?? {});
  const lines = Object.entries(variables).map(([name, value]) => `    ${name} = ${JSON.stringify(value)}\n`);
  return `# What makes this image different. A variable that is declared here gets its value from the layers, in config/.

locals {
  description = ${hclText(description)}

  # By the names of the roles' variables.
  image_variables = {${lines.length === 0 ? '' : `\n${lines.join('')}  `}}
}
`;
}

/** A string of HCL: JSON’s, but for what begins a template in it. */
const hclText = (text: string): string => JSON.stringify(text).replace(/[$%](?=\{)/g, '$&$&');

const playbook = ({ name, on }: ImageDraft): string =>
  typeof on === 'string'
    ? `---
# What ${name} adds to ${on}. Roles of its own go into playbooks/roles/.
- name: Bake ${name}
  hosts: localhost
  gather_facts: true
  roles:
    # Again, because this image carries its own copy of the playbooks.
    - role: self_provisioning
  tasks:
    - name: Say what the image is for
      ansible.builtin.copy:
        content: "${name}\\n"
        dest: /etc/packleader/purpose
        owner: root
        group: root
        mode: '0644'
`
    : `---
# What ${name} is made of. Roles are those of the template, and those in playbooks/roles/.
- name: Bake ${name}
  hosts: localhost
  gather_facts: true
  roles:
${BASE_ROLES.map((role) => `    - role: ${role}\n`).join('')}`;

const linuxChecks = ({ name, on }: ImageDraft): string => `# shellcheck shell=bash
# What this image must have besides what every Linux image has.

${
  typeof on === 'string'
    ? `check_image_says_what_it_is_for() {
  grep --quiet --line-regexp ${name} /etc/packleader/purpose
}
`
    : `check_system_is_${on.system}() {
  grep --quiet --extended-regexp '^ID="?${on.system}"?$' /etc/os-release
}
`
}`;

// ---------------------------------------------------------------------------------------------- Windows

const windowsFiles = (draft: ImageDraft): [string, string][] => [
  ['image.pkr.hcl', windowsHcl(draft)],
  ['scripts/install.ps1', windowsScript(draft)],
  ['checks/image.ps1', windowsChecks(draft)],
];

const windowsHcl = ({
  description,
}: ImageDraft): string => `# What makes this image different. A variable that is declared here gets its value from the layers, in config/.

locals {
  description = ${hclText(description)}

  # One after the other, with the environment below.
  image_scripts     = ["\${path.root}/scripts/install.ps1"]
  image_environment = {}
}
`;

const windowsScript = ({ name }: ImageDraft): string => `# What ${name} is made of.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version Latest
trap { Write-Host "FAILED: $_"; Write-Host $_.ScriptStackTrace; exit 1 }
Import-Module -Name 'C:\\packleader\\scripts\\Packleader.psm1' -Force

Set-Content -Path 'C:\\packleader\\purpose.txt' -Value '${name}'
exit 0
`;

const windowsChecks = ({
  name,
  on,
}: ImageDraft): string => `# What this image must have besides what every Windows image has.

function Test-ImageSaysWhatItIsFor {
    $purpose = Get-Content -Path 'C:\\packleader\\purpose.txt'
    if ($purpose -ne '${name}') { throw "It says $purpose." }
}
${
  typeof on === 'string'
    ? ''
    : `
function Test-SystemIsTheOneThatWasChosen {
    $caption = (Get-CimInstance -ClassName Win32_OperatingSystem).Caption
    if ($caption -notlike '*${on.system}*') { throw "It is $caption." }
}
`
}`;
