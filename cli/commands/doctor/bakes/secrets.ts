/** The secrets that a configuration names: there, and readable for a bake. No value is asked for. */
import { type IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeSecretCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeParametersCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { isSecretReference } from '../../../../core/configuration/settings.ts';
import type { SecretReference } from '../../../../core/contract/secrets.ts';
import { NAMES, STACKS, roleArn } from '../../../../core/contract/names.ts';
import { type Target, targetName } from '../../../../core/contract/targets.ts';
import { type Check, type Verdict, failed, notChecked, ok, unlessAbsent } from '../finding.ts';
import type { PlannedBake } from './planned-bakes.ts';

export interface SecretClients {
  readonly iam: IAMClient;
  readonly secretsManager: SecretsManagerClient;
  readonly ssm: SSMClient;
}

export function secretChecks(clients: SecretClients, target: Target, bakes: readonly PlannedBake[]): Check[] {
  const named = bakes.flatMap(({ settings }) => Object.values(settings.variables).filter(isSecretReference));
  return [...new Map(named.map((secret) => [JSON.stringify(secret), secret])).values()].map((secret) =>
    'secretsManager' in secret
      ? [
          `secret ${secret.secretsManager}`,
          'secretsmanager:DescribeSecret and iam:SimulatePrincipalPolicy',
          async () => secretReadable(clients, target, secret.secretsManager),
        ]
      : [
          `parameter ${secret.ssmParameter}`,
          'ssm:DescribeParameters and iam:SimulatePrincipalPolicy',
          async () => parameterReadable(clients, target, secret.ssmParameter),
        ],
  );
}

const readableName = (reference: SecretReference): string =>
  'secretsManager' in reference ? 'a secret named packleader/…' : 'a parameter named /packleader/secrets/…';

async function secretReadable(
  { iam, secretsManager }: SecretClients,
  target: Target,
  name: string,
): Promise<Verdict> {
  const place = targetName(target);
  const command = new DescribeSecretCommand({ SecretId: name });
  const found = await unlessAbsent(secretsManager.send(command), 'ResourceNotFoundException');
  if (found?.ARN === undefined)
    return failed(`there is no secret ${name} in ${place}`, 'make it there, or change the variable');
  if (found.DeletedDate)
    return failed(`the secret ${name} in ${place} is being deleted`, 'restore it, or change the variable');
  if (!Object.values(found.VersionIdsToStages ?? {}).some((stages) => stages.includes('AWSCURRENT')))
    return failed(`the secret ${name} in ${place} has no value`, 'give it one');
  return bakeMay(iam, target, 'secretsmanager:GetSecretValue', found.ARN, { secretsManager: name });
}

async function parameterReadable(
  { iam, ssm }: SecretClients,
  target: Target,
  name: string,
): Promise<Verdict> {
  const place = targetName(target);
  const own = withoutSelector(name);
  const { Parameters = [] } = await ssm.send(
    new DescribeParametersCommand({ ParameterFilters: [{ Key: 'Name', Option: 'Equals', Values: [own] }] }),
  );
  if (!Parameters.some(({ Name }) => Name === own))
    return failed(`there is no parameter ${name} in ${place}`, 'make it there, or change the variable');
  const arn = `arn:aws:ssm:${target.region}:${target.accountId}:parameter/${own.replace(/^\//, '')}`;
  return bakeMay(iam, target, 'ssm:GetParameter', arn, { ssmParameter: name });
}

/** A parameter may be named by its ARN, and with a version or a label behind it; it is listed by its name. */
const withoutSelector = (name: string): string =>
  name.replace(/^arn:[^/]*:parameter(?=\/)/, '').replace(/:[\w.-]+$/, '');

/** The bake itself reads a secret, so IAM is asked what its role may. */
async function bakeMay(
  iam: IAMClient,
  { accountId, region }: Target,
  action: string,
  arn: string,
  reference: SecretReference,
): Promise<Verdict> {
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: roleArn(accountId, NAMES.bakeRole),
    ActionNames: [action],
    ResourceArns: [arn],
    // The role is denied everything outside the regions of its targets.
    ContextEntries: [
      { ContextKeyName: 'aws:RequestedRegion', ContextKeyType: 'string', ContextKeyValues: [region] },
    ],
  });
  const found = await unlessAbsent(iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
  if (!found)
    return failed(
      `there is no role ${NAMES.bakeRole} in ${accountId} that could read ${arn}`,
      `deploy the stack ${STACKS.target(accountId)}`,
    );
  const decision = found.EvaluationResults?.[0]?.EvalDecision;
  if (decision === undefined) return notChecked('IAM gave no verdict', 'run it again');
  return decision === 'allowed'
    ? ok(`${arn}, and bakes may read it`)
    : failed(
        `IAM refuses ${action} on ${arn} to bakes (${decision})`,
        `take ${readableName(reference)}, which bakes may read, or change what denies it`,
      );
}
