import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { NAMES, roleArn } from '../contract/names.ts';
import { type Target, targetName } from '../contract/targets.ts';

/** Clients that act as the steward of one target. */
export interface TargetClients {
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
  readonly autoScaling: AutoScalingClient;
  /** In the hub's region, where every account's bake project lives. */
  readonly codebuild: CodeBuildClient;
}

/** Clients that act as the tester of one target. */
export type TesterClients = Pick<TargetClients, 'ec2' | 'ssm'>;

/** Clients that act as the copier of one target. */
export type CopierClients = Pick<TargetClients, 'ec2'>;

const clients = new Map<string, TargetClients>();

/**
 * The steward's clients for one target: each is made when it is first used and kept for the Lambda's life; the SDK renews
 * its credentials before they expire.
 */
export const clientsFor = (target: Target): TargetClients => clientsAs(NAMES.stewardRole, target);

/** The same for its tester, who is there only where AMIs are tested. */
export const testerClientsFor = (target: Target): TesterClients => clientsAs(NAMES.testerRole, target);

/** The same for its copier, who is there only where AMIs are copied. */
export const copierClientsFor = (target: Target): CopierClients => clientsAs(NAMES.copierRole, target);

function clientsAs(role: string, target: Target): TargetClients {
  const name = `${role} ${targetName(target)}`;
  const found = clients.get(name) ?? makeClients(role, target);
  clients.set(name, found);
  return found;
}

/** Forgets every client and its credentials; a rehearsal calls it when it starts on another world. */
export function forgetClients(): void {
  clients.clear();
  sessions.clear();
  sts = undefined;
}

function makeClients(role: string, { accountId, region }: Target): TargetClients {
  const credentials = credentialsOf(roleArn(accountId, role));
  const made: {
    ec2?: EC2Client;
    ssm?: SSMClient;
    autoScaling?: AutoScalingClient;
    codebuild?: CodeBuildClient;
  } = {};
  return {
    get ec2() {
      return (made.ec2 ??= new EC2Client({ region, credentials }));
    },
    get ssm() {
      return (made.ssm ??= new SSMClient({ region, credentials }));
    },
    get autoScaling() {
      return (made.autoScaling ??= new AutoScalingClient({ region, credentials }));
    },
    get codebuild() {
      return (made.codebuild ??= new CodeBuildClient({ credentials }));
    },
  };
}

interface Session {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

let sts: STSClient | undefined;
const sessions = new Map<string, { readonly session: Promise<Session>; renewAt: number }>();

/** The SDK asks for new credentials five minutes before the old ones expire. */
const RENEWED_BEFORE_MS = 5 * 60_000;

/** One session per role, which the clients of all its regions share; each client alone would ask STS for its own. */
function credentialsOf(role: string): () => Promise<Session> {
  return async () => {
    const held = sessions.get(role);
    if (held && Date.now() < held.renewAt) return held.session;
    const made = { session: assume(role), renewAt: Infinity };
    sessions.set(role, made);
    try {
      const session = await made.session;
      made.renewAt = session.expiration.getTime() - RENEWED_BEFORE_MS;
      return session;
    } catch (error) {
      if (sessions.get(role) === made) sessions.delete(role);
      throw error;
    }
  };
}

async function assume(RoleArn: string): Promise<Session> {
  sts ??= new STSClient({});
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'packleader' }));
  if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey || !Credentials.SessionToken) {
    throw new Error(`STS returned no credentials for ${RoleArn}`);
  }
  return {
    accessKeyId: Credentials.AccessKeyId,
    secretAccessKey: Credentials.SecretAccessKey,
    sessionToken: Credentials.SessionToken,
    expiration: Credentials.Expiration ?? new Date(Date.now() + 15 * 60_000),
  };
}
