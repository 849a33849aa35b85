/** The software bill of materials of an image, as CycloneDX 1.5 writes it, made of what the image lists as installed. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type ListedPackage, type ListedSystem, readPackageList } from '../amis/package-list.ts';
import { versionStartedAt } from '../configuration/version.ts';
import type { Release } from '../contract/releases.ts';
import { purlOf } from './purl.ts';

/** As far as packleader writes and reads it.
 *  @see https://cyclonedx.org/docs/1.5/json/ */
export const componentSchema = z.looseObject({
  type: z.string(),
  name: z.string(),
  version: z.string().optional(),
  purl: z.string().optional(),
  'bom-ref': z.string().optional(),
  properties: z.array(z.object({ name: z.string(), value: z.string().optional() })).optional(),
});
export type Component = z.infer<typeof componentSchema>;

export const sbomSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.string(),
  components: z.array(componentSchema).default([]),
});
export type Sbom = z.infer<typeof sbomSchema>;

/** The same document whenever it is made: its time is that of the release, its number a digest of what it says. */
export function sbomOf(
  { releaseId, image, version, commit, repository }: Release,
  list: string,
): Sbom & { readonly serialNumber: string } {
  const { system, packages } = readPackageList(list);
  const components = [
    ...(system ? [systemComponent(system)] : []),
    ...new Map(packages.map((one) => component(one, system)).map((one) => [one['bom-ref'], one])).values(),
  ];
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(`${releaseId}\n${list}`)}`,
    version: 1,
    metadata: {
      timestamp: versionStartedAt(version)?.toISOString(),
      tools: { components: [{ type: 'application', name: 'packleader' }] },
      component: {
        type: 'platform',
        'bom-ref': releaseId,
        name: image,
        version,
        properties: [
          { name: 'packleader:commit', value: commit },
          { name: 'packleader:repository', value: repository },
        ],
      },
    },
    components,
  };
}

const systemComponent = ({ id, version }: ListedSystem): Component => ({
  type: 'operating-system',
  'bom-ref': `${id}@${version}`,
  name: id,
  ...(version !== '' && { version }),
});

function component(listed: ListedPackage, system: ListedSystem | undefined): Component {
  const { name, version, architecture } = listed;
  const purl = purlOf(listed, system);
  const isPackage = system?.packages !== '';
  return {
    type: isPackage ? 'library' : 'application',
    // A program and an update of Windows may have one name.
    'bom-ref': isPackage && purl !== undefined ? purl : [architecture, name, version].join(' '),
    name,
    ...(version !== '' && { version }),
    ...(purl !== undefined && { purl }),
    ...(!isPackage && { properties: [{ name: 'packleader:kind', value: architecture }] }),
  };
}

/** A UUID of the eighth version, which is for making one's own.
 *  @see https://www.rfc-editor.org/rfc/rfc9562#section-5.8 */
function uuidOf(text: string): string {
  const digits = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(digits.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(18, 20)}`,
    digits.slice(20, 32),
  ].join('-');
}
