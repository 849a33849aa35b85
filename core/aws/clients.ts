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

const clients = new Map<string, TargetClients>();

/**
 * The steward's clients for one target: each is made when it is first used and kept for the Lambda's life; the SDK renews
 * its credentials before they expire.
 */
export function clientsFor(target: Target): TargetClients {
  const name = targetName(target);
  const found = clients.get(name) ?? makeClients(target);
  clients.set(name, found);
  return found;
}

/** Forgets every client and its credentials; a rehearsal calls it when it starts on another world. */
export function forgetClients(): void {
  clients.clear();
  stewards.clear();
  sts = undefined;
}

function makeClients({ accountId, region }: Target): TargetClients {
  const credentials = stewardCredentials(accountId);
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
const stewards = new Map<string, { readonly session: Promise<Session>; renewAt: number }>();

/** The SDK asks for new credentials five minutes before the old ones expire. */
const RENEWED_BEFORE_MS = 5 * 60_000;

/** One session per account, which the clients of all its regions share; each client alone would ask STS for its own. */
function stewardCredentials(accountId: string): () => Promise<Session> {
  return async () => {
    const held = stewards.get(accountId);
    if (held && Date.now() < held.renewAt) return held.session;
    const steward = { session: assumeSteward(accountId), renewAt: Infinity };
    stewards.set(accountId, steward);
    try {
      const session = await steward.session;
      steward.renewAt = session.expiration.getTime() - RENEWED_BEFORE_MS;
      return session;
    } catch (error) {
      if (stewards.get(accountId) === steward) stewards.delete(accountId);
      throw error;
    }
  };
}

async function assumeSteward(accountId: string): Promise<Session> {
  const RoleArn = roleArn(accountId, NAMES.stewardRole);
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
