/** What a made-up AMI says is installed on it: a newer source AMI has newer packages, as a publisher's has. */
import { createHash } from 'node:crypto';

const NAMES = ['bash', 'coreutils', 'glibc', 'kernel', 'openssl', 'systemd'];

/** As `package-manifest.tsv` holds it; the same for the same name of a source AMI. */
export const madeUpPackages = (sourceName: string): string =>
  NAMES.map((name) => {
    // Most packages are the same in two source AMIs that follow each other.
    const changes = name === 'kernel' || name === 'openssl';
    const number = createHash('sha256')
      .update(changes ? `${name}/${sourceName}` : name)
      .digest()
      .readUInt8();
    return `${name}\t1.${number}-1.amzn2023\tx86_64\n`;
  }).join('');
