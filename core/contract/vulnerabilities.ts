import * as z from 'zod';

/** What scans the SBOMs of a release: Amazon Inspector, or a command of one's own. */
export const SCANNERS = ['inspector', 'command'] as const;
export type Scanner = (typeof SCANNERS)[number];

/** As `packleader.config` says it. */
export type ScanAmis = 'inspector' | { readonly command: string };

export const scannerOf = (scanAmis: ScanAmis | Scanner): Scanner =>
  typeof scanAmis === 'string' ? scanAmis : 'command';

/** From the lowest to the highest. */
export const SEVERITIES = ['low', 'medium', 'high', 'critical'] as const;
export const severitySchema = z.enum(SEVERITIES);
export type Severity = z.infer<typeof severitySchema>;

/** A vulnerability that is known, and is no reason to fail until the end of a day, in UTC. */
export const ignoreSchema = z.object({
  id: z.string(),
  /** `2027-01-31` */
  until: z.string(),
  reason: z.string(),
});
export type Ignore = z.infer<typeof ignoreSchema>;

/** Whether a day is over, in UTC. */
export const isOver = (until: string, now: Date): boolean => now.toISOString().slice(0, 10) > until;

/** What lets the AMI of a target fail. */
const judgedSchema = z.object({ failOn: severitySchema, ignore: z.array(ignoreSchema) });
export type Judged = z.infer<typeof judgedSchema>;

/** `scan.json`: which AMIs of a release are scanned, where any is. Targets that are judged in the same way stand together. */
export const scanPlanSchema = z.object({
  judged: z.array(judgedSchema.extend({ targets: z.array(z.string()) })),
});
export type ScanPlan = z.infer<typeof scanPlanSchema>;

const findingSchema = z.object({
  /** `CVE-2026-1234` */
  id: z.string(),
  /** The highest that anybody gives it; `low` where nobody has rated it yet. */
  severity: severitySchema,
  /** Name and version of what has it. */
  packages: z.array(z.string()),
});
export type Finding = z.infer<typeof findingSchema>;

const countsSchema = z.record(severitySchema, z.number().int());
export type Counts = z.infer<typeof countsSchema>;

/** What was found in one SBOM. */
const scannedSbomSchema = z.object({
  key: z.string(),
  /** As `<account>/<region>`. */
  targets: z.array(z.string()),
  counts: countsSchema,
  /** Components that the scanner knows nothing of. */
  notScanned: z.number().int(),
  /** The gravest; the others are counted. */
  findings: z.array(findingSchema),
});

/** `vulnerabilities.json`, and in the record: what the scanner found, and what became of it. */
export const scanSchema = z.object({
  scanner: z.enum(SCANNERS),
  /** ISO 8601 */
  at: z.string(),
  sboms: z.array(scannedSbomSchema),
  /** Found, and ignored. */
  ignored: z.array(ignoreSchema),
});
export type Scan = z.infer<typeof scanSchema>;

/** What `Scan AMIs` tells the states that follow. */
export const scannedSchema = countsSchema.and(
  z.object({ sboms: z.number().int(), ignored: z.number().int() }),
);
export type Scanned = z.infer<typeof scannedSchema>;
