/** A small valid factory that tests change one file of. */
import { checkFactory } from '../../../core/configuration/check.ts';
import { loadConfiguration, type Overrides } from '../../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../../core/configuration/effective.ts';
import { InvalidConfiguration, type Problem } from '../../../core/configuration/documents/problems.ts';
import { DEV } from '../../fixtures/accounts.ts';

/** `config/default.yaml` for a factory whose targets are all in one region. */
export const IN_ONE_REGION = `instanceType: m7i.large
network:
  vpcId: vpc-0123456789abcdef0
  subnetId: subnet-0123456789abcdef0
  securityGroupIds: [sg-0123456789abcdef0]
kmsKeyId: alias/images
instanceProfile: builder
rootVolumeSizeGiB: 8
`;

const FILES: Readonly<Record<string, string>> = {
  'factory.yaml': `repository: https://github.com/example/images
hub: { accountId: '999999999999', region: eu-west-1 }
stages:
  - name: dev
    targets:
      - { accountId: '111111111111', region: eu-west-1 }
      - { accountId: '111111111111', region: us-east-1 }
  - name: prod
    targets:
      - { accountId: '222222222222', region: eu-west-1 }
`,
  'config/default.yaml': `${IN_ONE_REGION}regions:
  us-east-1:
    network:
      vpcId: vpc-0123456789abcdef1
      subnetId: subnet-0123456789abcdef1
      securityGroupIds: [sg-0123456789abcdef1]
`,
  'images/base/image.yaml': `description: The base
version: '1.4'
platform: linux
`,
  'images/base/config/default.yaml': `source:
  ssmParameter: /aws/service/ami
`,
  'images/web/image.yaml': `description: Built on base
version: '2.0'
platform: linux
`,
  'images/web/config/default.yaml': `source: { image: base }
`,
  'images/desktop/image.yaml': `description: A Windows image
version: '3.0'
platform: windows
`,
  'images/desktop/config/default.yaml': `source:
  ssmParameter: /aws/service/windows
`,
};

/** The example with some files written anew; null deletes a file. */
export function factoryWith(changes: Readonly<Record<string, string | null>> = {}): Map<string, string> {
  const files = new Map(Object.entries(FILES));
  for (const [file, text] of Object.entries(changes)) {
    if (text === null) files.delete(file);
    else files.set(file, text);
  }
  return files;
}

/** The text of one file of the example with a piece replaced; fails when the piece is not there. */
export function edited(file: string, piece: string, replacement: string): Record<string, string> {
  const text = FILES[file] ?? '';
  if (!text.includes(piece)) throw new Error(`${file} does not contain ${piece}`);
  return { [file]: text.replace(piece, replacement) };
}

const line = ({ file, line: number, path, message }: Problem) =>
  `${file}${number === 0 ? '' : `:${number}`}${path === '' ? '' : ` ${path}`}: ${message}`;

/** Every problem of the example with some files written anew, as `file:line path: message`. */
export const problemsWith = (
  changes: Readonly<Record<string, string | null>>,
  options: { images?: readonly string[]; overrides?: Overrides } = {},
): string[] => checkFactory(factoryWith(changes), options).map(line);

export const baseSettings = (
  changes: Readonly<Record<string, string | null>> = {},
  {
    image = 'base',
    stage = 'dev',
    target = DEV,
    overrides = {},
  }: { image?: string; stage?: string; target?: typeof DEV; overrides?: Overrides } = {},
) => effectiveSettings(loadConfiguration(factoryWith(changes)), { image, stage, target, overrides });

/** What was thrown, which must be an InvalidConfiguration. */
export function refusal(action: () => unknown): InvalidConfiguration {
  try {
    action();
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
