/** Whose eyes the doctor looks with. */
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { asClientError } from '../../../client/errors.ts';
import { type Verdict, failed, notChecked, ok } from './finding.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** How one account is looked at: as whom, or why not at all. */
export interface Session {
  readonly accountId: string;
  /** The steward itself, another role, or the caller's own credentials. */
  readonly as: 'steward' | 'role' | 'caller' | 'nobody';
  /** Undefined: the caller's own. */
  readonly credentials: Credentials | undefined;
  readonly verdict: Verdict;
}

/** @throws NoCredentials, HubUnreachable */
export async function callerAccount(region: string): Promise<string> {
  try {
    const { Account = '' } = await new STSClient({ region }).send(new GetCallerIdentityCommand({}));
    return Account;
  } catch (error) {
    throw asClientError(error, 'cannot find out who is asking');
  }
}

/**
 * The caller's own account is looked at with their own credentials, any other by the role they name. Without one the
 * steward is tried, though as a rule it lets in the hub's tasks only.
 */
export async function openSession(
  accountId: string,
  { caller, region, role }: { readonly caller: string; readonly region: string; readonly role?: string },
): Promise<Session> {
  if (role === undefined && accountId === caller)
    return { accountId, as: 'caller', credentials: undefined, verdict: ok('with the caller’s credentials') };
  const arn = roleArn(accountId, role ?? NAMES.stewardRole);
  try {
    const command = new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: 'packleader-doctor' });
    const { Credentials } = await new STSClient({ region }).send(command);
    if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey || !Credentials.SessionToken)
      throw new Error('STS returned no credentials');
    const credentials = {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    };
    return { accountId, as: role === undefined ? 'steward' : 'role', credentials, verdict: ok(`as ${arn}`) };
  } catch (error) {
    const why = `cannot assume ${arn}: ${error instanceof Error ? error.message : String(error)}`;
    const verdict =
      role === undefined
        ? notChecked(why, 'give --as <role>, a role of every target account that may look')
        : failed(why, `let the caller assume ${role} in ${accountId}, or give --as another role`);
    return { accountId, as: 'nobody', credentials: undefined, verdict };
  }
}

/** What the clients of a session are made with. */
export const configOf = ({ credentials }: Session, region: string) => ({
  region,
  ...(credentials && { credentials }),
});
