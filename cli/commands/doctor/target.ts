/**
 * What the doctor looks at in every target: room for AMIs and snapshots, the keys, the network and the secrets of its bakes, and
 * whether it can publish.
 */
import { randomBytes } from 'node:crypto';
import { EC2Client, paginateDescribeImages, paginateDescribeSnapshots } from '@aws-sdk/client-ec2';
import { type EvaluationResult, IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  GetAWSDefaultServiceQuotaCommand,
  GetServiceQuotaCommand,
  ServiceQuotasClient,
} from '@aws-sdk/client-service-quotas';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { networkChecks } from './bakes/network.ts';
import type { ExaminedTarget } from './bakes/planned-bakes.ts';
import { secretChecks } from './bakes/secrets.ts';
import {
  type Check,
  type Finding,
  type Verdict,
  examineAll,
  failed,
  nameOf,
  notChecked,
  ok,
} from './finding.ts';
import { keptBuilderCheck } from './kept-builders.ts';
import { admitsCopiers } from './key-policies.ts';
import { type Session, configOf } from './sessions.ts';

/** @param mayKeep whether the builder of a bake that failed may be kept there */
export async function examineTarget(
  target: ExaminedTarget,
  session: Session,
  mayKeep: boolean,
): Promise<Finding[]> {
  const place = targetName(target);
  const config = configOf(session, target.region);
  const ec2 = new EC2Client(config);
  const quotas = new ServiceQuotasClient(config);
  const ssm = new SSMClient(config);
  const iam = new IAMClient(config);
  const secretsManager = new SecretsManagerClient(config);
  const { bakes, copies, copiedBy, region } = target;
  const keyIds = new Set([...bakes, ...copies].map(({ kmsKeyId }) => kmsKeyId));
  const added = bakes.length + copies.length;
  const checks: Check[] = [
    [
      'AMIs',
      'ec2:DescribeImages and servicequotas:GetServiceQuota',
      async () => room(await countImages(ec2), await quota(quotas, AMIS), added, 'AMIs'),
    ],
    [
      'snapshots',
      'ec2:DescribeSnapshots and servicequotas:GetServiceQuota',
      async () => room(await countSnapshots(ec2), await quota(quotas, SNAPSHOTS), added, 'snapshots'),
    ],
    ...[...keyIds].map((keyId): Check => [
      `key ${nameOfKey(keyId)}`,
      'kms:DescribeKey',
      async () => keyUsable(new KMSClient(config), keyId),
    ]),
    ...[...copiedBy].map(([keyId, accountIds]): Check => [
      `policy of ${nameOfKey(keyId)}`,
      'kms:DescribeKey and kms:GetKeyPolicy',
      async () => admitsCopiers(new KMSClient(config), keyId, accountIds),
    ]),
    ...networkChecks({ ec2, region, place }, bakes),
    ...secretChecks({ iam, secretsManager, ssm }, target, bakes),
    ...(mayKeep ? [keptBuilderCheck(ec2, target)] : []),
    session.as === 'steward'
      ? ['parameters', PUT_AND_DELETE, async () => putAndDelete(ssm)]
      : ['parameters', 'iam:SimulatePrincipalPolicy', async () => simulate(iam, target)],
  ];
  if (session.as === 'nobody') {
    const verdict = notChecked('no access to the account', session.verdict.todo);
    return checks.map(([check]) => ({ place, check, ...verdict }));
  }
  return examineAll(place, checks);
}

/** Without what is the same for every key. */
const nameOfKey = (keyId: string): string => keyId.replace(/^.*:(key\/)?/, '');

/** @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-quotas.html */
const AMIS = { ServiceCode: 'ec2', QuotaCode: 'L-B665C33B' };
/** @see https://docs.aws.amazon.com/general/latest/gr/ebs-service.html */
const SNAPSHOTS = { ServiceCode: 'ebs', QuotaCode: 'L-309BACF6' };

async function quota(client: ServiceQuotasClient, which: typeof AMIS): Promise<number | undefined> {
  try {
    return (await client.send(new GetServiceQuotaCommand(which))).Quota?.Value;
  } catch (error) {
    // An account that never asked for more may have no value of its own.
    if (nameOf(error) !== 'NoSuchResourceException') throw error;
    return (await client.send(new GetAWSDefaultServiceQuotaCommand(which))).Quota?.Value;
  }
}

/** Disabled ones count as well. */
async function countImages(ec2: EC2Client): Promise<number> {
  let count = 0;
  const pages = paginateDescribeImages(
    { client: ec2, pageSize: 1_000 },
    { Owners: ['self'], IncludeDisabled: true },
  );
  for await (const { Images = [] } of pages) count += Images.length;
  return count;
}

async function countSnapshots(ec2: EC2Client): Promise<number> {
  let count = 0;
  const pages = paginateDescribeSnapshots({ client: ec2, pageSize: 1_000 }, { OwnerIds: ['self'] });
  for await (const { Snapshots = [] } of pages) count += Snapshots.length;
  return count;
}

/** An AMI has at least one snapshot, so a release adds at least as many of either. */
function room(used: number, allowed: number | undefined, added: number, what: string): Verdict {
  if (allowed === undefined)
    return notChecked(
      `Service Quotas tells no quota for ${what}`,
      'look it up in the Service Quotas console',
    );
  const seen = `${used.toLocaleString('en')} of ${allowed.toLocaleString('en')}`;
  return used + added <= allowed
    ? ok(seen)
    : failed(`${seen}, and a release adds ${added}`, `raise the quota of ${what}, or remove old ones`);
}

/** @see https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
async function keyUsable(kms: KMSClient, keyId: string): Promise<Verdict> {
  try {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyId.replace(/^key\//, '') }));
    const { KeyState = 'unknown', KeyUsage = 'unknown', Arn = keyId } = KeyMetadata ?? {};
    if (KeyState === 'Enabled' && KeyUsage === 'ENCRYPT_DECRYPT') return ok(Arn);
    return failed(`${Arn} is ${KeyState}, for ${KeyUsage}`, 'enable it, or change kmsKeyId');
  } catch (error) {
    if (nameOf(error) === 'NotFoundException') return failed(`there is no key ${keyId}`, 'change kmsKeyId');
    throw error;
  }
}

const PUT_AND_DELETE = 'ssm:PutParameter and ssm:DeleteParameter';

/** Under a name that the steward may write: the version of an image that nobody has. */
async function putAndDelete(ssm: SSMClient): Promise<Verdict> {
  const Name = `/packleader/packleader-doctor/versions/${randomBytes(8).toString('hex')}`;
  let written = false;
  let removed = false;
  try {
    await ssm.send(new PutParameterCommand({ Name, Type: 'String', Value: 'written by packleader doctor' }));
    written = true;
  } finally {
    // Also when the answer to the first call was lost: it may have been written.
    removed = await remove(ssm, Name);
  }
  return written && removed
    ? ok('one was written and removed')
    : failed(`${Name} was written, but not removed`, `delete ${Name}, and allow ssm:DeleteParameter`);
}

async function remove(ssm: SSMClient, Name: string): Promise<boolean> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name }));
    return true;
  } catch (error) {
    return nameOf(error) === 'ParameterNotFound';
  }
}

/** Who is not the steward asks IAM what the steward may do; nothing is written. */
async function simulate(iam: IAMClient, { accountId, region }: Target): Promise<Verdict> {
  const command = new SimulatePrincipalPolicyCommand({
    PolicySourceArn: roleArn(accountId, NAMES.stewardRole),
    ActionNames: ['ssm:PutParameter', 'ssm:DeleteParameter'],
    ResourceArns: [`arn:aws:ssm:${region}:${accountId}:parameter/packleader/packleader-doctor/latest`],
  });
  const deploy = `deploy the stack packleader-target-${accountId}`;
  let results: EvaluationResult[];
  try {
    results = (await iam.send(command)).EvaluationResults ?? [];
  } catch (error) {
    if (!['NoSuchEntityException', 'NoSuchEntity'].includes(nameOf(error))) throw error;
    return failed(`there is no role ${NAMES.stewardRole}`, deploy);
  }
  const allowed = results.filter(({ EvalDecision }) => EvalDecision === 'allowed');
  const refused = results.filter(({ EvalDecision }) => EvalDecision !== 'allowed');
  if (refused.length > 0) {
    const names = refused.map(({ EvalActionName, EvalDecision }) => `${EvalActionName} (${EvalDecision})`);
    return failed(`IAM refuses ${names.join(' and ')} to the steward`, `${deploy}, or change what denies it`);
  }
  return allowed.length === 2
    ? ok('IAM would let the steward write and remove them')
    : notChecked('IAM gave no verdict', 'run it again');
}
