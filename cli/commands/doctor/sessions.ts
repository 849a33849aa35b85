/** Whose eyes the doctor looks with. */
import { STSClient } from '@aws-sdk/client-sts';
import { type SessionCredentials, assumeRole } from '../../../client/accounts.ts';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { type Verdict, failed, notChecked, ok } from './finding.ts';

/** How one account is looked at: as whom, or why not at all. */
export interface Session {
  readonly accountId: string;
  /** The steward itself, another role, or the caller's own credentials. */
  readonly as: 'steward' | 'role' | 'caller' | 'nobody';
  /** Undefined: the caller's own. */
  readonly credentials: SessionCredentials | undefined;
  readonly verdict: Verdict;
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
  const assumed = { accountId, role: role ?? NAMES.stewardRole, session: 'packleader-doctor' };
  try {
    const credentials = await assumeRole(new STSClient({ region }), assumed);
    const verdict = ok(`as ${roleArn(accountId, assumed.role)}`);
    return { accountId, as: role === undefined ? 'steward' : 'role', credentials, verdict };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
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
