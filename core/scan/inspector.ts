/** Amazon Inspector’s scan of an SBOM: synchronous, and of an account that need not have activated Inspector. */
import { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { askSigned } from '../aws/signed-json.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import type { Sbom } from '../sbom/sbom.ts';
import { type ScannerAnswer, readAnswer } from './findings.ts';

/** So many components are taken at once: the service’s model says 2,000, its guide 5,000. */
const MOST_COMPONENTS = 2_000;

/** How Inspector begins what it says of a component that it knows nothing of.
 *  @see https://docs.aws.amazon.com/inspector/latest/user/cyclonedx-namespace.html */
const SAID = 'amazon:inspector:sbom_scanner:info';
const SKIPPED = /^component skipped/i;

const answerSchema = z.object({ sbom: z.unknown() });

/**
 * What Inspector says of an SBOM, and how many of its components it knows nothing of.
 *  @throws PackleaderError NotScanned when it knows none of the packages, AccessDenied, Throttled, ConnectionLost, AwsCallFailed
 *  @see https://docs.aws.amazon.com/inspector/v2/APIReference/API_scan_ScanSbom.html
 */
export async function scanByInspector(
  sbom: Sbom,
): Promise<{ readonly answers: ScannerAnswer[]; readonly notScanned: number }> {
  const answers: ScannerAnswer[] = [];
  // Without its system no package is known, so each part names it.
  const systems = sbom.components.filter(({ type }) => type === 'operating-system');
  const packages = sbom.components.filter(({ type }) => type !== 'operating-system');
  const size = MOST_COMPONENTS - systems.length;
  for (let at = 0; at < packages.length; at += size)
    answers.push(await scanSbom({ ...sbom, components: [...systems, ...packages.slice(at, at + size)] }));
  const skipped = answers
    .flatMap(({ components }) => components)
    .filter(
      ({ type, properties = [] }) =>
        type !== 'operating-system' &&
        properties.some(({ name, value = '' }) => name === SAID && SKIPPED.test(value)),
    ).length;
  if (skipped >= packages.length)
    throw new PackleaderError(
      ERRORS.notScanned,
      `Amazon Inspector knows none of its ${packages.length} packages`,
    );
  return { answers, notScanned: skipped };
}

async function scanSbom(sbom: Sbom): Promise<ScannerAnswer> {
  const answered = await askSigned({
    client: new STSClient({}),
    service: 'inspector-scan',
    called: 'Amazon Inspector',
    method: 'POST',
    path: '/scan/sbom',
    body: { sbom, outputFormat: 'CYCLONE_DX_1_5' },
  });
  const answer = readAnswer(answerSchema.safeParse(answered).data?.sbom);
  if (answer === undefined)
    throw new PackleaderError(ERRORS.notScanned, 'Amazon Inspector answered something else than an SBOM');
  return answer;
}
