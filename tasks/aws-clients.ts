import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { EC2Client } from '@aws-sdk/client-ec2';
import { SSMClient } from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { NAMES, type Target, roleArn, targetName } from './contract.ts';

/** Clients that act as the steward of one target. */
export interface TargetClients {
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
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
  const made: { ec2?: EC2Client; ssm?: SSMClient; codebuild?: CodeBuildClient } = {};
  return {
    get ec2() {
      return (made.ec2 ??= new EC2Client({ region, credentials }));
    },
    get ssm() {
      return (made.ssm ??= new SSMClient({ region, credentials }));
    },
    get codebuild() {
      return (made.codebuild ??= new CodeBuildClient({ credentials }));
    },
  };
}

type CredentialProvider = () => Promise<{
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  expiration: Date;
}>;
let sts: STSClient | undefined;
const stewards = new Map<string, CredentialProvider>();

/** One provider per account, so that targets in several regions of one account share its sessions. */
function stewardCredentials(accountId: string): CredentialProvider {
  let provider = stewards.get(accountId);
  if (!provider) {
    provider = async () => {
      sts ??= new STSClient({});
      const { Credentials } = await sts.send(
        new AssumeRoleCommand({
          RoleArn: roleArn(accountId, NAMES.stewardRole),
          RoleSessionName: 'packleader',
        }),
      );
      if (!Credentials?.AccessKeyId || !Credentials.SecretAccessKey || !Credentials.SessionToken) {
        throw new Error(`STS returned no credentials for ${roleArn(accountId, NAMES.stewardRole)}`);
      }
      return {
        accessKeyId: Credentials.AccessKeyId,
        secretAccessKey: Credentials.SecretAccessKey,
        sessionToken: Credentials.SessionToken,
        expiration: Credentials.Expiration ?? new Date(Date.now() + 15 * 60_000),
      };
    };
    stewards.set(accountId, provider);
  }
  return provider;
}
