/** Amazon Inspector's scan of an SBOM: it knows the packages of distributions, and of vulnerabilities what it is told. */
import * as z from 'zod';
import { sbomSchema } from '../../core/sbom/sbom.ts';
import type { Context } from './context.ts';
import { awsError } from './errors.ts';

const MOST_COMPONENTS = 5_000;
const inputSchema = z.object({ sbom: sbomSchema, outputFormat: z.string().optional() });
const answerSchema = z.looseObject({
  sbom: sbomSchema.extend({ vulnerabilities: z.array(z.unknown()).default([]) }),
});

/** A vulnerability that Inspector knows of. */
export interface KnownVulnerability {
  readonly id: string;
  /** By whom it is rated, and how; several may differ. */
  readonly ratings: readonly { readonly severity: string; readonly source: { readonly name: string } }[];
  /** The names of the packages that have it, whatever their version. */
  readonly packages: readonly string[];
}

const SAID = 'amazon:inspector:sbom_scanner:info';

/** As it answers in the format of CycloneDX: components numbered anew, each with what was made of it. */
function scanSbom({ world }: Context, input: object): object {
  const parsed = inputSchema.safeParse(input);
  if (!parsed.success || parsed.data.sbom.specVersion !== '1.5')
    throw awsError('inspectorscan', 'ValidationException', 'The SBOM must be in CycloneDX 1.5 format.');
  const { sbom } = parsed.data;
  if (sbom.components.length > MOST_COMPONENTS)
    throw awsError(
      'inspectorscan',
      'ValidationException',
      `At most ${MOST_COMPONENTS} components are scanned.`,
    );
  const knowsSystem = sbom.components.some(
    ({ type, name }) => type === 'operating-system' && name !== 'Windows',
  );
  const components = sbom.components.map((component, index) => {
    const isKnown = knowsSystem && /^pkg:(rpm|deb)\//.test(component.purl ?? '');
    const value = isKnown
      ? 'Component scanned: no vulnerabilities found.'
      : 'Component skipped: no supported rules found.';
    return {
      ...component,
      'bom-ref': `comp-${index + 1}`,
      properties: [...(component.properties ?? []), { name: SAID, value }],
    };
  });
  const vulnerabilities = world.vulnerabilities.flatMap(({ id, ratings, packages }, index) => {
    const affects = components
      .filter(
        ({ name, properties }) => packages.includes(name) && !/skipped/.test(properties.at(-1)?.value ?? ''),
      )
      .map((component) => ({ ref: component['bom-ref'] }));
    return affects.length === 0 ? [] : [{ 'bom-ref': `vuln-${index + 1}`, id, ratings, affects }];
  });
  return { sbom: { ...sbom, components, vulnerabilities } };
}

/** The same answer, with something critical in the first package. */
export function withVulnerability(answer: unknown): unknown {
  const { sbom, ...rest } = answerSchema.parse(answer);
  const first = sbom.components.find(({ type }) => type === 'library');
  const made = {
    id: 'CVE-2026-0001',
    ratings: [{ severity: 'critical', source: { name: 'NVD' } }],
    affects: [{ ref: first?.['bom-ref'] ?? '' }],
  };
  return { ...rest, sbom: { ...sbom, vulnerabilities: [...sbom.vulnerabilities, made] } };
}

export const inspectorScan = { ScanSbom: scanSbom };
