/** The public AMIs that `packleader init` and `packleader new image --from` start an image from. */
import type { Platform } from './package-files.ts';

type Architecture = 'x86_64' | 'arm64';

export interface PublicSource {
  readonly title: string;
  readonly platform: Platform;
  /** Public SSM parameters, for each architecture that there is. */
  readonly parameters: Readonly<Partial<Record<Architecture, string>>>;
  /** Linux: `ID` of its /etc/os-release. Windows: what its caption holds. */
  readonly system: string;
  /** Linux: what its roles must be told, where their defaults are for another system. */
  readonly roleVariables?: Readonly<Record<string, string>>;
  /** What its layer needs besides the source. */
  readonly settings: Readonly<Record<string, unknown>>;
}

const AMAZON_LINUX = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1';
const UBUNTU = '/aws/service/canonical/ubuntu/server/24.04/stable/current';

export const PUBLIC_SOURCES: Readonly<Record<string, PublicSource>> = {
  al2023: {
    title: 'Amazon Linux 2023',
    platform: 'linux',
    parameters: { x86_64: `${AMAZON_LINUX}-x86_64`, arm64: `${AMAZON_LINUX}-arm64` },
    system: 'amzn',
    settings: { rootVolumeSizeGiB: 16 },
  },
  'ubuntu-24.04': {
    title: 'Ubuntu 24.04',
    platform: 'linux',
    parameters: {
      x86_64: `${UBUNTU}/amd64/hvm/ebs-gp3/ami-id`,
      arm64: `${UBUNTU}/arm64/hvm/ebs-gp3/ami-id`,
    },
    system: 'ubuntu',
    // Its own repository has no CloudWatch agent.
    roleVariables: { monitoring_agent: 'none' },
    settings: {
      rootVolumeSizeGiB: 16,
      variables: { ssh_username: 'ubuntu', root_device_name: '/dev/sda1' },
    },
  },
  'windows-2025': {
    title: 'Windows Server 2025',
    platform: 'windows',
    parameters: { x86_64: '/aws/service/ami-windows-latest/Windows_Server-2025-English-Full-Base' },
    system: 'Windows Server 2025',
    // WinRM needs an inbound port: without a group Packer makes one. Updates and sysprep take long.
    settings: {
      network: { securityGroupIds: [] },
      instanceType: 'm7i.xlarge',
      rootVolumeSizeGiB: 50,
      timeoutMinutes: 180,
    },
  },
};

/** The parameter for an architecture, or for the one that there is; with the architecture that it is of. */
export function parameterFor(
  { parameters }: PublicSource,
  wanted: Architecture,
): { readonly parameter: string; readonly architecture: Architecture } {
  const [architecture, parameter] =
    parameters[wanted] === undefined
      ? (['x86_64', parameters.x86_64] as const)
      : ([wanted, parameters[wanted]] as const);
  if (parameter === undefined) throw new Error('a public source has an AMI for x86_64');
  return { parameter, architecture };
}
