/** Whose eyes an account is looked at with: the caller's own, or those of a role that the caller may assume there. */
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { roleArn } from '../core/contract/names.ts';
import { asClientError } from './errors.ts';

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** @throws NoCredentials, HubUnreachable */
export async function callerAccount(sts: STSClient): Promise<string> {
  try {
    const { Account = '' } = await sts.send(new GetCallerIdentityCommand({}));
    return Account;
  } catch (error) {
    throw asClientError(error, 'cannot find out who is asking');
  }
}

/** A role of an account, and how its session is called in the account's log. */
export interface RoleOfAccount {
  readonly accountId: string;
  readonly role: string;
  readonly session: string;
}

/** Throws an Error that says why the role cannot be assumed. */
export async function assumeRole(
  sts: STSClient,
  { accountId, role, session }: RoleOfAccount,
): Promise<SessionCredentials> {
  const arn = roleArn(accountId, role);
  try {
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName: session }));
    if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey || !Credentials.SessionToken)
      throw new Error('STS returned no credentials');
    return {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot assume ${arn}: ${why}`, { cause: error });
  }
}
