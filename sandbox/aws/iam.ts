/** As much of IAM as may be asked about: instance profiles, and what a role may do. */
import type {
  EvaluationResult,
  GetInstanceProfileCommandInput,
  GetInstanceProfileCommandOutput,
  SimulatePrincipalPolicyCommandInput,
  SimulatePrincipalPolicyCommandOutput,
} from '@aws-sdk/client-iam';
import type { Context, Output } from './context.ts';
import { awsError } from './errors.ts';

const noSuch = (message: string): Error => awsError('iam', 'NoSuchEntityException', message, 404);

function getInstanceProfile(
  { world, accountId, now }: Context,
  input: GetInstanceProfileCommandInput,
): Output<GetInstanceProfileCommandOutput> {
  const name = input.InstanceProfileName ?? '';
  const profile = world.instanceProfiles.get(`${accountId}/${name}`);
  if (profile === undefined) throw noSuch(`Instance Profile ${name} cannot be found.`);
  const kept = (kind: string, of: string) => ({
    Path: '/',
    Arn: `arn:aws:iam::${accountId}:${kind}/${of}`,
    CreateDate: new Date(now),
  });
  return {
    InstanceProfile: {
      ...kept('instance-profile', name),
      InstanceProfileName: name,
      InstanceProfileId: `AIPA${world.hex(`${accountId}/${name}`, 17).toUpperCase()}`,
      Roles: profile.roleNames.map((roleName) => ({
        ...kept('role', roleName),
        RoleName: roleName,
        AssumeRolePolicyDocument: encodeURIComponent(
          JSON.stringify({
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: profile.trusts } },
            ],
          }),
        ),
        RoleId: `AROA${world.hex(`${accountId}/${roleName}`, 17).toUpperCase()}`,
      })),
    },
  };
}

/** By what a role may use here, whatever the resource; nothing is denied outright. */
function simulatePrincipalPolicy(
  { world }: Context,
  input: SimulatePrincipalPolicyCommandInput,
): Output<SimulatePrincipalPolicyCommandOutput> {
  const arn = input.PolicySourceArn ?? '';
  const [, accountId = '', name = ''] = /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(arn) ?? [];
  const role = world.roles.get(`${accountId}/${name}`);
  if (role === undefined) throw noSuch(`${arn} cannot be found.`);
  const { ActionNames: actions = [], ResourceArns: resources = ['*'] } = input;
  return {
    EvaluationResults: actions.flatMap((action) =>
      resources.map((resource): EvaluationResult => ({
        EvalActionName: action,
        EvalResourceName: resource,
        EvalDecision: role.allows.test(action) ? 'allowed' : 'implicitDeny',
      })),
    ),
    IsTruncated: false,
  };
}

export const iam = {
  GetInstanceProfile: getInstanceProfile,
  SimulatePrincipalPolicy: simulatePrincipalPolicy,
};
