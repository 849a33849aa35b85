/** What a made-up AMI says is installed on it: a newer source AMI has newer packages, as a publisher's has. */
import { createHash } from 'node:crypto';

const NAMES = ['bash', 'coreutils', 'glibc', 'kernel', 'openssl', 'systemd'];

/** As `package-manifest.tsv` holds it; the same for the same name of a source AMI. */
export const madeUpPackages = (sourceName: string, platform: 'linux' | 'windows'): string =>
  platform === 'windows' ? windowsPrograms(sourceName) : linuxPackages(sourceName);

const linuxPackages = (sourceName: string): string =>
  [
    'amzn\t2023\toperating-system\trpm\n',
    ...NAMES.map((name) => {
      // Most packages are the same in two source AMIs that follow each other.
      const changes = name === 'kernel' || name === 'openssl';
      const version = `1.${numberOf(changes ? `${name}/${sourceName}` : name)}-1.amzn2023`;
      return `${name}\t${version}\tx86_64\t${name}-${version}.src.rpm\n`;
    }),
  ].join('');

const windowsPrograms = (sourceName: string): string =>
  [
    'Amazon SSM Agent\t3.3.1611.0\tprogram\n',
    `KB50${numberOf(sourceName) + 10_000}\t-\tupdate\n`,
    'Windows\t10.0.20348.0\toperating-system\n',
    'Windows-Defender\t-\tfeature\n',
  ].join('');

const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUInt8();
