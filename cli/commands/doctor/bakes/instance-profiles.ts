/** The instance profiles of builders, and of what is tested: IAM's, so an account's and no region's. */
import { GetInstanceProfileCommand, type IAMClient } from '@aws-sdk/client-iam';
import { NAMES, STACKS } from '../../../../core/contract/names.ts';
import { type Check, type Verdict, failed, ok, unlessAbsent } from '../finding.ts';
import { trustsService } from '../trust.ts';
import type { PlannedBake } from './planned-bakes.ts';

export const profileChecks = (iam: IAMClient, accountId: string, bakes: readonly PlannedBake[]): Check[] =>
  [...new Set(bakes.flatMap(profilesOf))].map((name) => [
    `instance profile ${name}`,
    'iam:GetInstanceProfile',
    async () => profileWorks(iam, accountId, name),
  ]);

const profilesOf = ({ instanceProfile, settings }: PlannedBake): string[] =>
  settings.test === undefined ? [instanceProfile] : [instanceProfile, NAMES.tested];

/** A bake may look for, and pass on, only what is named like the builder that the target stack makes. */
async function profileWorks(iam: IAMClient, accountId: string, name: string): Promise<Verdict> {
  const command = new GetInstanceProfileCommand({ InstanceProfileName: name });
  const found = await unlessAbsent(iam.send(command), 'NoSuchEntityException', 'NoSuchEntity');
  const profile = found?.InstanceProfile;
  if (!profile)
    return failed(`there is no instance profile ${name} in ${accountId}`, whoMakes(accountId, name));
  const role = profile.Roles?.[0];
  if (!role) return failed(`the instance profile ${name} in ${accountId} has no role`, 'add a role to it');
  const named = name === NAMES.tested ? NAMES.tested : NAMES.builder;
  const misnamed = [
    ['instance profile', profile.Arn, name],
    ['role', role.Arn, role.RoleName],
  ].find(([kind, arn]) => !beginsLike(named, kind, arn));
  if (misnamed)
    return failed(
      `bakes in ${accountId} may not use the ${misnamed[0]} ${misnamed[2]}: its name does not begin with ${named}, or it has a path`,
      `name it ${named}…, without a path`,
    );
  return trustsService(role.AssumeRolePolicyDocument ?? '', 'ec2.amazonaws.com')
    ? ok(`with the role ${role.RoleName}`)
    : failed(
        `the role ${role.RoleName} of the instance profile ${name} in ${accountId} does not let in EC2`,
        'let ec2.amazonaws.com assume it',
      );
}

function whoMakes(accountId: string, name: string): string {
  const deploy = `deploy the stack ${STACKS.target(accountId)}`;
  if (name === NAMES.builder) return deploy;
  return name === NAMES.tested
    ? `${deploy}, with testAmis: true in packleader.config`
    : 'make it, or change instanceProfile';
}

const beginsLike = (name: string, kind = '', arn = ''): boolean =>
  arn
    .split(':')
    .at(-1)
    ?.startsWith(`${kind.replace(' ', '-')}/${name}`) === true;
