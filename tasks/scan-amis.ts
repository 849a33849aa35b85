import * as z from 'zod';
import { ERRORS, PackleaderError, errorOutputSchema } from '../core/contract/errors.ts';
import { keys } from '../core/contract/keys.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { plannedReleaseSchema } from '../core/contract/releases.ts';
import { type SbomPlace, sbomsSchema } from '../core/contract/sboms.ts';
import { amiSchema, targetName } from '../core/contract/targets.ts';
import {
  type Finding,
  SCANNERS,
  type Judged,
  type Scan,
  type Scanned,
  isOver,
  scanPlanSchema,
} from '../core/contract/vulnerabilities.ts';
import { readBytes, readJsonIfThere, writeJson } from '../core/releases/plan-store.ts';
import { refuseBesideRetry, runSchema } from '../core/releases/redrives.ts';
import { messageIn } from '../core/releases/release-outcome.ts';
import { sbomSchema } from '../core/sbom/sbom.ts';
import { sha256Of } from '../core/sbom/sha256.ts';
import { type ScannerAnswer, countsOf, findingsIn, reaches, readAnswer } from '../core/scan/findings.ts';
import { scanByInspector } from '../core/scan/inspector.ts';

const eventSchema = z.object({
  ...plannedReleaseSchema.pick({ release: true, plan: true }).shape,
  amis: z.record(z.string(), z.array(amiSchema)),
  /** What `Compare AMIs` came to, which leaves the SBOMs, or why it did not. */
  compared: z.unknown(),
  scanner: z.enum(SCANNERS),
  /** Of a command of one's own: whose findings, and why there are none. */
  executionName: z.string().optional(),
  scannerRun: z.unknown().optional(),
  /** When this state was entered, ISO 8601. */
  enteredAt: z.string(),
  run: runSchema,
});

/** How many findings of an SBOM are kept one by one, and how many the message tells of; the others are counted. */
const KEPT = 200;
const TOLD = 10;
/** How many packages of a finding are named. */
const NAMED = 3;

/** Lets a scanner look at what the AMIs of a release hold, and fails a release that holds something too grave. Fails closed: an AMI
 *  whose content is not known, or not to the scanner, is not sound.
 *  In      { release, plan: { bucket, prefix }, amis: { dev: [{ accountId, region, imageId }], prod: … }, compared: { sboms: 1 } | {
 *            Error, Cause }, scanner: 'inspector' | 'command', executionName?, scannerRun?: {} | { Error, Cause }, enteredAt }
 *  Out     { sboms: 1, critical: 0, high: 2, medium: 5, low: 1, ignored: 0 }: of an image that nobody has scanned all are 0
 *  Errors  VulnerabilitiesFound (with the first ten), NotScanned (an AMI without an SBOM, one that is not what was left, a scanner
 *          that knows no package of it, or that failed), AccessDenied, Throttled, ConnectionLost
 *  Repeat  safe: scans again, and writes the same object again
 *  @see    https://docs.aws.amazon.com/inspector/v2/APIReference/API_scan_ScanSbom.html */
export async function handler(event: unknown): Promise<Scanned> {
  const { release, plan: place, amis, compared, enteredAt, run, ...by } = parseEvent(eventSchema, event);
  await refuseBesideRetry(release, run);
  const { bucket, prefix } = place;
  const plan = scanPlanSchema.optional().parse(await readJsonIfThere({ bucket, key: keys.scan(prefix) }));
  const judges = new Map(
    (plan?.judged ?? []).flatMap(({ targets, ...how }) => targets.map((target) => [target, how] as const)),
  );
  const targets = Object.values(amis)
    .flat()
    .map(targetName)
    .filter((target) => judges.has(target));
  if (targets.length === 0) return { sboms: 0, ...countsOf([]), ignored: 0 };
  const sboms = await sbomsOf(place, targets, compared, release.releaseId);
  const scans = [];
  for (const [sbom, of] of sboms) scans.push({ of, ...(await scan(bucket, sbom, by)) });
  const now = new Date(enteredAt);
  const faults: Fault[] = [];
  const ignored = new Map<string, Scan['ignored'][number]>();
  for (const { of, findings } of scans)
    for (const target of of) {
      const judge = judges.get(target);
      if (judge === undefined) continue;
      for (const finding of findings) {
        const found = judged(finding, judge, now);
        if (found?.ignore) ignored.set(found.ignore.id, found.ignore);
        else if (found) faults.push({ target, finding, ...found });
      }
    }
  await writeJson({ bucket, key: keys.vulnerabilities(prefix) }, {
    scanner: by.scanner,
    at: enteredAt,
    sboms: scans.map(({ of, key, findings, notScanned }) => ({
      key,
      targets: of,
      counts: countsOf(findings),
      notScanned,
      findings: findings.slice(0, KEPT),
    })),
    ignored: [...ignored.values()],
  } satisfies Scan);
  if (faults.length > 0) throw vulnerabilitiesFound(faults, release.releaseId);
  const each = [...new Map(scans.flatMap(({ findings }) => findings.map((one) => [one.id, one]))).values()];
  return { sboms: scans.length, ...countsOf(each), ignored: ignored.size };
}

/** Each SBOM with the targets that are judged by it. */
async function sbomsOf(
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  targets: readonly string[],
  compared: unknown,
  releaseId: string,
): Promise<[SbomPlace, string[]][]> {
  const failed = errorOutputSchema.safeParse(compared).data;
  const left = sbomsSchema
    .optional()
    .parse(failed ? undefined : await readJsonIfThere({ bucket, key: keys.sboms(prefix) }));
  if (left === undefined) {
    const why = failed
      ? `${failed.Error}: ${messageIn({ name: failed.Error, cause: failed.Cause })}`
      : 'none was left';
    throw new PackleaderError(ERRORS.notScanned, `There is no SBOM of ${releaseId}: ${why}`);
  }
  const found = left.sboms.map((sbom): [SbomPlace, string[]] => [
    sbom,
    targets.filter((target) => sbom.targets === undefined || sbom.targets.includes(target)),
  ]);
  const without = targets.filter((target) => !found.some(([, of]) => of.includes(target)));
  if (without.length > 0) {
    const lines = without.slice(0, TOLD).map((target) => {
      const why = left.without.find((one) => one.targets.includes(target))?.why ?? 'nobody looked at it';
      return `${target}: no SBOM: ${why}`;
    });
    const rest = without.length > TOLD ? [`And ${without.length - TOLD} more targets.`] : [];
    throw new PackleaderError(
      ERRORS.notScanned,
      [`What ${releaseId} holds is not known everywhere.`, ...lines, ...rest].join('\n'),
    );
  }
  return found.filter(([, of]) => of.length > 0);
}

async function scan(
  bucket: string,
  { key, sha256 }: SbomPlace,
  {
    scanner,
    executionName,
    scannerRun,
  }: Pick<z.infer<typeof eventSchema>, 'scanner' | 'executionName' | 'scannerRun'>,
) {
  if (scanner === 'command') {
    const answers = [await foundByCommand(bucket, keys.scanOf(executionName ?? '', key), scannerRun)];
    return { key, findings: findingsIn(answers), notScanned: 0 };
  }
  const bytes = await readBytes({ bucket, key });
  if (sha256Of(bytes) !== sha256)
    throw new PackleaderError(ERRORS.notScanned, `s3://${bucket}/${key} is not what was left there`);
  const sbom = sbomSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const { answers, notScanned } = await scanByInspector(sbom);
  return { key, findings: findingsIn(answers), notScanned };
}

/** @throws PackleaderError NotScanned */
async function foundByCommand(bucket: string, key: string, scannerRun: unknown): Promise<ScannerAnswer> {
  const failed = errorOutputSchema.safeParse(scannerRun).data;
  if (failed)
    throw new PackleaderError(
      ERRORS.notScanned,
      `The scanner failed: ${messageIn({ name: failed.Error, cause: failed.Cause })}`,
    );
  const answer = readAnswer(await readJsonIfThere({ bucket, key }));
  if (answer === undefined)
    throw new PackleaderError(ERRORS.notScanned, `The scanner left no CycloneDX in s3://${bucket}/${key}`);
  return answer;
}

interface Fault {
  readonly target: string;
  readonly finding: Finding;
  /** The last day on which it was ignored. */
  readonly ranOut?: string;
}

/** Undefined for what is not grave enough. */
function judged(
  finding: Finding,
  { failOn, ignore }: Judged,
  now: Date,
): { readonly ignore?: Judged['ignore'][number]; readonly ranOut?: string } | undefined {
  if (!reaches(finding.severity, failOn)) return undefined;
  const known = ignore.filter(({ id }) => id === finding.id);
  const valid = known.find(({ until }) => !isOver(until, now));
  if (valid) return { ignore: valid };
  const [ranOut] = known
    .map(({ until }) => until)
    .toSorted()
    .toReversed();
  return ranOut === undefined ? {} : { ranOut };
}

function vulnerabilitiesFound(faults: readonly Fault[], releaseId: string): PackleaderError {
  const each = [...Map.groupBy(faults, ({ finding: { id } }) => id).values()];
  const lines = each.slice(0, TOLD).flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const { target, finding, ranOut } = first;
    const named = finding.packages.slice(0, NAMED).join(', ');
    const more = finding.packages.length > NAMED ? ` and ${finding.packages.length - NAMED} more` : '';
    const where = others.length === 0 ? target : `${target} and ${others.length} more`;
    const late = ranOut === undefined ? '' : ` (ignored until ${ranOut}, which is over)`;
    return [`${where}: ${finding.id}, ${finding.severity}, in ${named}${more}${late}`];
  });
  const rest = each.length > TOLD ? [`And ${each.length - TOLD} more vulnerabilities.`] : [];
  return new PackleaderError(
    ERRORS.vulnerabilitiesFound,
    [`${releaseId} holds vulnerabilities that are too grave.`, ...lines, ...rest].join('\n'),
  );
}
