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
  let statements: readonly Statement[];
  try {
    statements = policySchema.parse(JSON.parse(decodeURIComponent(document))).Statement;
  } catch {
    return 'its trust policy cannot be read';
  }
  const allowing = statements.filter(
    ({ Effect, Action }) => Effect === 'Allow' && Action.includes('sts:AssumeRole'),
  );
  if (role === NAMES.bakeRole) {
    const builds = allowing.some(({ Principal }) =>
      Principal['Service']?.includes('codebuild.amazonaws.com'),
    );
    return builds ? undefined : 'its trust policy does not let in CodeBuild';
  }
  const ofHub = allowing.filter(({ Principal }) => Principal['AWS']?.some((who) => isOf(who, hub)));
  if (ofHub.length === 0) return `its trust policy does not let in the hub, ${hub.accountId}`;
  if (role !== NAMES.orchestratorRole) return undefined;
  const machine = machineArn(hub, NAMES.bakeBatchMachine);
  return ofHub.some((statement) => externalIds(statement).includes(machine))
    ? undefined
    : `its trust policy does not ask for the external id ${machine}`;
}

const isOf = (principal: string, { accountId }: Target): boolean =>
  principal === accountId || principal.startsWith(`arn:aws:iam::${accountId}:`);

const externalIds = ({ Condition }: Statement): string[] =>
  Object.values(Condition).flatMap((tests) =>
    Object.entries(tests).flatMap(([key, values]) => (key.toLowerCase() === 'sts:externalid' ? values : [])),
  );
