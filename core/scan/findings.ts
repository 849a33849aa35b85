/** What a scanner says of an SBOM, in the form that all of them have: CycloneDX with vulnerabilities. */
import * as z from 'zod';
import { type Counts, type Finding, SEVERITIES, type Severity } from '../contract/vulnerabilities.ts';
import { sbomSchema } from '../sbom/sbom.ts';

const answerSchema = sbomSchema.extend({
  vulnerabilities: z
    .array(
      z.looseObject({
        id: z.string(),
        ratings: z.array(z.looseObject({ severity: z.string().optional() })).default([]),
        affects: z.array(z.looseObject({ ref: z.string() })).default([]),
      }),
    )
    .default([]),
});
export type ScannerAnswer = z.infer<typeof answerSchema>;

/** The answer of a scanner; undefined when it is none. */
export const readAnswer = (answer: unknown): ScannerAnswer | undefined => answerSchema.safeParse(answer).data;

/** What was found, the gravest first; each id once. */
export function findingsIn(answers: readonly ScannerAnswer[]): Finding[] {
  const found = new Map<string, { severity: Severity; packages: Set<string> }>();
  for (const { components, vulnerabilities } of answers) {
    // A scanner may number the components anew.
    const named = new Map(
      components.map(({ 'bom-ref': ref = '', name, version }) => [
        ref,
        version === undefined ? name : `${name} ${version}`,
      ]),
    );
    for (const { id, ratings, affects } of vulnerabilities) {
      const known = found.get(id) ?? { severity: 'low', packages: new Set() };
      for (const { severity = '' } of ratings) known.severity = graver(known.severity, severity);
      for (const { ref } of affects) known.packages.add(named.get(ref) ?? ref);
      found.set(id, known);
    }
  }
  return [...found]
    .map(([id, { severity, packages }]) => ({ id, severity, packages: [...packages].toSorted() }))
    .toSorted(
      (a, b) => rank(b.severity) - rank(a.severity) || a.id.localeCompare(b.id, 'en', { numeric: true }),
    );
}

const rank = (severity: string): number => SEVERITIES.findIndex((known) => known === severity);

const graver = (one: Severity, other: string): Severity =>
  SEVERITIES.find((known) => known === other && rank(known) > rank(one)) ?? one;

/** Whether a severity is at least another one. */
export const reaches = (severity: Severity, limit: Severity): boolean => rank(severity) >= rank(limit);

export const countsOf = (findings: readonly Finding[]): Counts => ({
  critical: findings.filter(({ severity }) => severity === 'critical').length,
  high: findings.filter(({ severity }) => severity === 'high').length,
  medium: findings.filter(({ severity }) => severity === 'medium').length,
  low: findings.filter(({ severity }) => severity === 'low').length,
});
