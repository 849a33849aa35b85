/** Reads the trust policies of the roles in a target account, as far as the factory rests on them. */
import * as z from 'zod';
import { NAMES } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { machineArn } from '../../../client/hub.ts';

const listed = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.looseObject({
  Effect: z.string(),
  Action: listed.default([]),
  Principal: z
    .union([z.string(), z.record(z.string(), listed)])
    .optional()
    .transform((principal) => (typeof principal === 'string' ? { '*': [principal] } : (principal ?? {}))),
  Condition: z.record(z.string(), z.record(z.string(), listed)).default({}),
});
const policySchema = z.looseObject({
  Statement: z.union([statementSchema, z.array(statementSchema)]).transform((value) => [value].flat()),
});
type Statement = z.infer<typeof statementSchema>;

/** Why a role does not let in who must come in; undefined when it does. IAM returns the document URL-encoded. */
export function whyNotTrusted(role: string, document: string, hub: Target): string | undefined {
  const allowing = allowingStatements(document);
  if (!allowing) return 'its trust policy cannot be read';
  if (role === NAMES.bakeRole) {
    return letsIn(allowing, 'codebuild.amazonaws.com')
      ? undefined
      : 'its trust policy does not let in CodeBuild';
  }
  const ofHub = allowing.filter(({ Principal }) => Principal['AWS']?.some((who) => isOf(who, hub)));
  if (ofHub.length === 0) return `its trust policy does not let in the hub, ${hub.accountId}`;
  if (role !== NAMES.orchestratorRole) return undefined;
  const machine = machineArn(hub, NAMES.bakeBatchMachine);
  return ofHub.some((statement) => externalIds(statement).includes(machine))
    ? undefined
    : `its trust policy does not ask for the external id ${machine}`;
}

/** Whether a role lets in a service of AWS's; not when its trust policy cannot be read. */
export const trustsService = (document: string, service: string): boolean =>
  letsIn(allowingStatements(document) ?? [], service);

const letsIn = (allowing: readonly Statement[], service: string): boolean =>
  allowing.some(({ Principal }) => Principal['Service']?.includes(service));

/** What lets somebody in; undefined when the document cannot be read. */
function allowingStatements(document: string): Statement[] | undefined {
  try {
    const { Statement: statements } = policySchema.parse(JSON.parse(decodeURIComponent(document)));
    return statements.filter(({ Effect, Action }) => Effect === 'Allow' && Action.includes('sts:AssumeRole'));
  } catch {
    return undefined;
  }
}

const isOf = (principal: string, { accountId }: Target): boolean =>
  principal === accountId || principal.startsWith(`arn:aws:iam::${accountId}:`);

const externalIds = ({ Condition }: Statement): string[] =>
  Object.values(Condition).flatMap((tests) =>
    Object.entries(tests).flatMap(([key, values]) => (key.toLowerCase() === 'sts:externalid' ? values : [])),
  );
