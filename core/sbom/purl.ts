/** The package URL of what an image lists as installed. */
import { PackageURL } from 'packageurl-js';
import type { ListedPackage, ListedSystem } from '../amis/package-list.ts';

/** Vendors that package URLs and `/etc/os-release` call otherwise. */
const VENDORS: Readonly<Record<string, string>> = { rhel: 'redhat', 'opensuse-leap': 'opensuse' };

/**
 * `pkg:rpm/amzn/openssl@3.0.8-1.amzn2023.0.14?arch=x86_64&distro=amzn-2023&epoch=1&upstream=…`; undefined for a package of a system
 * that is not known, of which no scanner could say whose it is.
 *  @see https://github.com/package-url/purl-spec/blob/main/types/rpm-definition.json
 *  @see https://github.com/package-url/purl-spec/blob/main/types/deb-definition.json
 */
export function purlOf(
  { name, version, architecture, source }: ListedPackage,
  system: ListedSystem | undefined,
): string | undefined {
  if (system === undefined) return undefined;
  if (system.packages === '')
    return new PackageURL('generic', undefined, name, version || undefined, undefined, undefined).toString();
  const [, epoch, plain = ''] = /^(?:(\d+):)?(.*)$/.exec(version) ?? [];
  const isRpm = system.packages === 'rpm';
  const upstream = isRpm ? source : upstreamOf(source, name, version);
  return new PackageURL(
    system.packages,
    VENDORS[system.id] ?? system.id,
    isRpm ? name : name.toLowerCase(),
    // Only of an RPM the epoch is no part of the version.
    isRpm ? plain : version,
    {
      arch: architecture,
      distro: system.version === '' ? system.id : `${system.id}-${system.version}`,
      ...(isRpm && epoch !== undefined && epoch !== '0' && { epoch }),
      ...(upstream !== '' && { upstream }),
    },
    undefined,
  ).toString();
}

/** `gcc-12@12.2.0-14`, without a version where that is the same; empty where source and package are one. */
function upstreamOf(source: string, name: string, version: string): string {
  const [sourceName = '', sourceVersion = ''] = source.split(' ');
  if (sourceVersion !== '' && sourceVersion !== version) return `${sourceName}@${sourceVersion}`;
  return sourceName === name ? '' : sourceName;
}
