/** What an image lists as installed: `package-manifest.tsv`, a package a line, by name, version and architecture. */

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
