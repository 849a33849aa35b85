/** Amazon Inspector’s scan of an SBOM: synchronous, and of an account that need not have activated Inspector. */
import { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { asFact } from '../aws/errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import { parseJson } from '../contract/parse-json.ts';
import type { Sbom } from '../sbom/sbom.ts';
import { type ScannerAnswer, readAnswer } from './findings.ts';

const SERVICE = 'inspector-scan';
/** So many components are taken at once: the service’s model says 2,000, its guide 5,000. */
const MOST_COMPONENTS = 2_000;
const PATIENCE_MS = 120_000;

/** How Inspector begins what it says of a component that it knows nothing of.
 *  @see https://docs.aws.amazon.com/inspector/latest/user/cyclonedx-namespace.html */
const SAID = 'amazon:inspector:sbom_scanner:info';
const SKIPPED = /^component skipped/i;

const answerSchema = z.object({ sbom: z.unknown() });
const refusalSchema = z.looseObject({ __type: z.string().optional(), message: z.string().optional() });

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

/** No client of the SDK's is published for this operation; it is signed as theirs are. */
async function scanSbom(sbom: Sbom): Promise<ScannerAnswer> {
  const { config } = new STSClient({});
  const region = await config.region();
  const signer = await config.signer({
    name: 'sigv4',
    signingName: SERVICE,
    signingRegion: region,
    properties: {},
  });
  const hostname = `${SERVICE}.${region}.amazonaws.com`;
  const body = JSON.stringify({ sbom, outputFormat: 'CYCLONE_DX_1_5' });
  let response: Response;
  let text: string;
  try {
    const request = await signer.sign({
      method: 'POST',
      protocol: 'https:',
      hostname,
      path: '/scan/sbom',
      query: {},
      headers: { host: hostname, 'content-type': 'application/json' },
      body,
    });
    response = await fetch(`https://${hostname}/scan/sbom`, {
      method: 'POST',
      headers: request.headers,
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch (error) {
    throw new PackleaderError(ERRORS.connectionLost, `Amazon Inspector did not answer: ${String(error)}`, {
      cause: error,
    });
  }
  if (!response.ok) throw asFact(refusalOf(response, text));
  const answer = readAnswer(answerSchema.safeParse(parseJson(text)).data?.sbom);
  if (answer === undefined)
    throw new PackleaderError(ERRORS.notScanned, 'Amazon Inspector answered something else than an SBOM');
  return answer;
}

/** As the SDK would throw it. */
function refusalOf(response: Response, text: string): Error {
  const { __type = '', message = text } = refusalSchema.catch({}).parse(parseJson(text));
  const [type = ''] = (response.headers.get('x-amzn-errortype') ?? __type).split(':');
  const name = type.replace(/^.*#/, '');
  const usual = response.status >= 500 ? 'InternalFailure' : `HTTP ${response.status}`;
  return Object.assign(new Error(message), { name: name === '' ? usual : name });
}
