/** What an image lists as installed: `package-manifest.tsv`, a package a line, by name, version, architecture and source package. */

/** One line of the list. */
export interface ListedPackage {
  readonly name: string;
  /** Empty where it has none. */
  readonly version: string;
  /** Of a package; of Windows what it is: `program`, `update` or `feature`. */
  readonly architecture: string;
  /** What a distribution built it from; empty in what older templates list. */
  readonly source: string;
}

/** What the packages are installed on. */
export interface ListedSystem {
  /** As `/etc/os-release` says it, `amzn`; or `Windows`. */
  readonly id: string;
  readonly version: string;
  /** The kind of its packages; empty for Windows. */
  readonly packages: 'rpm' | 'deb' | '';
}

/** In place of an architecture, in the line that names the operating system. */
const OPERATING_SYSTEM = 'operating-system';

/** The lines of a list. The system is undefined in what older templates list of Linux. */
export function readPackageList(list: string): {
  readonly system: ListedSystem | undefined;
  readonly packages: readonly ListedPackage[];
} {
  const lines = list.split(/\r?\n/).flatMap((line) => {
    const [name = '', version = '', architecture = '', source = ''] = line.split('\t');
    return name === '' ? [] : [{ name, version: version === '-' ? '' : version, architecture, source }];
  });
  const named = lines.find(({ architecture }) => architecture === OPERATING_SYSTEM);
  return {
    system: named && {
      id: named.name,
      version: named.version,
      packages: named.source === 'rpm' || named.source === 'deb' ? named.source : '',
    },
    packages: lines.filter(({ architecture }) => architecture !== OPERATING_SYSTEM),
  };
}

export interface PackageChange {
  readonly name: string;
  readonly architecture: string;
  /** Null when it was not installed; several versions of one package are separated by a comma. */
  readonly before: string | null;
  readonly after: string | null;
}

/** What is different between two lists, by name. */
export function packageChanges(before: string, after: string): PackageChange[] {
  const one = packagesIn(before);
  const other = packagesIn(after);
  return [...new Set([...one.keys(), ...other.keys()])].toSorted().flatMap((key) => {
    const [name = '', architecture = ''] = key.split('\t');
    const versions = { before: one.get(key) ?? null, after: other.get(key) ?? null };
    return versions.before === versions.after ? [] : [{ name, architecture, ...versions }];
  });
}

/** By name and architecture, the versions that are installed. */
function packagesIn(list: string): Map<string, string> {
  const packages = new Map<string, string[]>();
  for (const line of list.split(/\r?\n/)) {
    const [name = '', version = '', architecture = ''] = line.split('\t');
    if (name === '') continue;
    const key = `${name}\t${architecture}`;
    packages.set(key, [...(packages.get(key) ?? []), version]);
  }
  return new Map([...packages].map(([key, versions]) => [key, versions.toSorted().join(', ')]));
}
