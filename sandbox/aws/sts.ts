import type {
  AssumeRoleCommandInput,
  AssumeRoleCommandOutput,
  GetCallerIdentityCommandInput,
  GetCallerIdentityCommandOutput,
} from '@aws-sdk/client-sts';
import { assumedRoleArn, type Context, type Output } from './context.ts';
import { awsError } from './errors.ts';
import { denied } from './permissions.ts';

function assumeRole(context: Context, input: AssumeRoleCommandInput): Output<AssumeRoleCommandOutput> {
  const { world, now } = context;
  const arn = input.RoleArn ?? '';
  const [, accountId = '', name = ''] =
    /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(arn) ?? [];
  if (accountId === '') throw awsError('sts', 'ValidationError', `${arn} is invalid`);
  const session = input.RoleSessionName ?? '';
  if (!/^[\w+=,.@-]{2,64}$/.test(session)) {
    throw awsError(
      'sts',
      'ValidationError',
      `1 validation error detected: Value '${session}' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*`,
    );
  }
  const role = world.roles.get(`${accountId}/${name}`);
  const trusted =
    role !== undefined &&
    role.trusts.some((who) => who === context.accountId || who === `${context.accountId}/${context.role}`) &&
    (role.externalIds === undefined || role.externalIds.includes(input.ExternalId ?? ''));
  if (!trusted) throw denied(context, 'sts', 'AssumeRole', arn);
  const credentials = context.issue(accountId, name, session);
  return {
    Credentials: {
      AccessKeyId: credentials.accessKeyId,
      SecretAccessKey: credentials.secretAccessKey,
      SessionToken: credentials.sessionToken,
      // The SDK compares it with the real clock; sessions of the sandbox do not really expire.
      Expiration: new Date(Math.max(now, Date.now()) + (input.DurationSeconds ?? 3_600) * 1_000),
    },
    AssumedRoleUser: {
      Arn: assumedRoleArn({ ...context, accountId, role: name, session }),
      AssumedRoleId: `AROA${world.hex(`${accountId}/${name}`, 17).toUpperCase()}:${session}`,
    },
  };
}

const getCallerIdentity = (
  context: Context,
  _input: GetCallerIdentityCommandInput,
): Output<GetCallerIdentityCommandOutput> => ({
  Account: context.accountId,
  Arn: assumedRoleArn(context),
  UserId: `AROA${context.world.hex(`${context.accountId}/${context.role}`, 17).toUpperCase()}:${context.session}`,
});

export const sts = { AssumeRole: assumeRole, GetCallerIdentity: getCallerIdentity };
