/** The instance profiles of builders: IAM's, so an account's and no region's. */
import { GetInstanceProfileCommand, type IAMClient } from '@aws-sdk/client-iam';
import { NAMES, STACKS } from '../../../../core/contract/names.ts';
import { type Check, type Verdict, failed, ok, unlessAbsent } from '../finding.ts';
import { trustsService } from '../trust.ts';
import type { PlannedBake } from './planned-bakes.ts';

export const profileChecks = (iam: IAMClient, accountId: string, bakes: readonly PlannedBake[]): Check[] =>
  [...new Set(bakes.map(({ instanceProfile }) => instanceProfile))].map((name) => [
    `instance profile ${name}`,
    'iam:GetInstanceProfile',
    async () => profileWorks(iam, accountId, name),
  ]);

/** A bake may look for, and pass on, only what is named like the builder that the target stack makes. */
async function profileWorks(iam: IAMClient, accountId: string, name: string): Promise<Verdict> {
  const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
  const found = await unlessAbsent(iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
  const profile = found?.InstanceProfile;
  const deploy = `deploy the stack ${STACKS.target(accountId)}`;
  if (!profile)
    return failed(
      `there is no instance profile ${name} in ${accountId}`,
      name === NAMES.builder ? deploy : 'make it, or change instanceProfile',
    );
  const role = profile.Roles?.[0];
  if (!role) return failed(`the instance profile ${name} in ${accountId} has no role`, 'add a role to it');
  const misnamed = [
    ['instance profile', profile.Arn, name],
    ['role', role.Arn, role.RoleName],
  ].find(([kind, arn]) => !isBuilder(kind, arn));
  if (misnamed)
    return failed(
      `bakes in ${accountId} may not use the ${misnamed[0]} ${misnamed[2]}: its name does not begin with ${NAMES.builder}, or it has a path`,
      `name it ${NAMES.builder}…, without a path`,
    );
  return trustsService(role.AssumeRolePolicyDocument ?? '', 'ec2.amazonaws.com')
    ? ok(`with the role ${role.RoleName}`)
    : failed(
        `the role ${role.RoleName} of the instance profile ${name} in ${accountId} does not let in EC2`,
        'let ec2.amazonaws.com assume it',
      );
}

const isBuilder = (kind = '', arn = ''): boolean =>
  arn
    .split(':')
    .at(-1)
    ?.startsWith(`${kind.replace(' ', '-')}/${NAMES.builder}`) === true;
