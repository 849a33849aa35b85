import type * as z from 'zod';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import type { REPOINTS } from '../contract/repoints.ts';
import { type RepointRequest, repointRequestSchema } from '../contract/requests.ts';
import { isPrerelease } from '../configuration/version.ts';
import { readReleaseId } from '../releases/release-status.ts';

/** What somebody wants, understood. */
export type AskedRepoint = {
  readonly reason: string | undefined;
  readonly dryRun: boolean;
} & (
  | { readonly action: 'rollback'; readonly image: string; readonly to: string | undefined }
  | ({ readonly action: 'revoke'; readonly children: boolean; readonly disable: boolean } & AskedVersion)
  | ({ readonly action: 'restore' } & AskedVersion)
);

interface AskedVersion {
  readonly releaseId: string;
  readonly image: string;
  readonly version: string;
}

/** What ends every refusal: whoever types in the console sees what they might have meant. */
export const REPOINT_INPUTS =
  'Correct inputs are { "rollback": "linux-base" }, { "rollback": "linux-base", "to": "1.4.20261121093000" }, ' +
  '{ "revoke": "linux-base@1.4.20261121093000", "reason": "…", "children": true, "disable": true } and ' +
  '{ "restore": "linux-base@1.4.20261121093000" }, each also with "dryRun": true.';

/** Which fields go with which action. */
const FIELDS: Readonly<Record<(typeof REPOINTS)[number], readonly (keyof RepointRequest)[]>> = {
  rollback: ['to'],
  revoke: ['children', 'disable'],
  restore: [],
};

/**
 * Understands what a person or a tool asked for.
 *  @throws PackleaderError InvalidRequest: what is wrong, then correct inputs
 */
export function parseRepoint(asked: unknown): AskedRepoint {
  const parsed = repointRequestSchema.safeParse(asked);
  if (!parsed.success) throw invalid(sentences(parsed.error.issues).join(' '));
  const request = parsed.data;
  const { reason, dryRun = false } = request;
  const actions = (['rollback', 'revoke', 'restore'] as const).filter((one) => request[one] !== undefined);
  const [action] = actions;
  if (action === undefined || actions.length > 1)
    throw invalid(
      `The input has ${actions.length === 0 ? 'none' : actions.map((one) => `"${one}"`).join(' and ')} of "rollback", "revoke" and "restore", and must have one.`,
    );
  refuseForeign(request, action);
  if (action === 'rollback') {
    const { rollback: image = '', to } = request;
    if (to !== undefined && isPrerelease(to))
      throw invalid(`The field "to" names the prerelease ${to}, which is never latest.`);
    return { action, image, to: ofImage(image, to), reason, dryRun };
  }
  const releaseId = request[action] ?? '';
  const identity = readReleaseId(releaseId);
  if (!identity) throw invalid(`The field "${action}" is "${releaseId}", whose version is none.`);
  if (isPrerelease(identity.version))
    throw invalid(
      `The field "${action}" names the prerelease ${releaseId}, which is no source by itself, and never latest.`,
    );
  if (action === 'restore') return { action, releaseId, ...identity, reason, dryRun };
  if (reason === undefined) throw invalid('A revocation needs a "reason": whoever meets it asks for one.');
  const { children = false, disable = false } = request;
  return { action, releaseId, ...identity, children, disable, reason, dryRun };
}

/** A person may give the version alone, or with its image. */
function ofImage(image: string, to: string | undefined): string | undefined {
  const version = to?.startsWith(`${image}@`) === true ? to.slice(image.length + 1) : to;
  if (version !== undefined && !readReleaseId(`${image}@${version}`))
    throw invalid(`The field "to" is "${version}", which is no version like 1.4.20261121093000.`);
  return version;
}

function refuseForeign(request: RepointRequest, action: keyof typeof FIELDS): void {
  const [foreign] = Object.values(FIELDS)
    .flat()
    .filter((field) => request[field] !== undefined && !FIELDS[action].includes(field));
  if (foreign === undefined) return;
  const [owner] = Object.entries(FIELDS).find(([, fields]) => fields.includes(foreign)) ?? [];
  throw invalid(`The field "${foreign}" goes with "${owner}", and not with "${action}".`);
}

const sentences = (issues: readonly z.core.$ZodIssue[]): string[] =>
  issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `The input has an unknown field "${issue.keys.join('", "')}".`
      : issue.path.length === 0
        ? 'The input must be a JSON object.'
        : `The field "${issue.path.join('.')}" is refused: ${issue.message}.`,
  );

const invalid = (why: string): PackleaderError =>
  new PackleaderError(ERRORS.invalidRequest, `${why} ${REPOINT_INPUTS}`);
