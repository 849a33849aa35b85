/** What is done to one AMI on its way out, and how it is taken back. */
import {
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeregisterImageCommand,
  DisableImageCommand,
  DisableImageDeprecationCommand,
  EnableImageCommand,
  EnableImageDeprecationCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { TargetClients } from '../aws/clients.ts';
import { asFact, hasCode } from '../aws/errors.ts';
import { ERRORS, PackleaderError } from '../contract/errors.ts';
import type { Leftover } from '../contract/leftovers.ts';
import { parameters } from '../contract/names.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import { deleteParameter, readParameter, writeParameter } from '../publication/publication.ts';
import type { Step } from './decide.ts';
import { type Phase, type SeenAmi, retirementTag } from './seen.ts';

/** EC2 takes only a time to come, and rounds it to the minute: longer after the start of an execution than that may run. */
const SOON_MS = 4 * 3_600_000;

/** EC2's ways to say that an AMI is gone already. */
const GONE = ['InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable'];

/**
 * Takes one step with one AMI, and returns what it could not remove. Safe to repeat: what is done already is done again, or is a
 * success.
 *  @param now ISO 8601
 */
export async function takeStep(
  clients: TargetClients,
  step: Step,
  ami: SeenAmi,
  now: string,
): Promise<Leftover[]> {
  const { ec2 } = clients;
  if (step === 'deregister') return deregister(clients, ami);
  if (step === 'deprecate' && !isBegun(ami, 'deprecated')) await deprecate(ec2, ami, now);
  if (step === 'disable' && !isBegun(ami, 'disabled')) {
    // One that is disabled and says nothing was disabled by somebody else.
    if (!isBegun(ami, 'deprecated')) await remember(ec2, ami, 'deprecated', now);
    await disable(ec2, ami, now);
  }
  if (step === 'restore') await restore(clients, ami, now);
  return [];
}

function isBegun({ retirement }: SeenAmi, phase: Phase): boolean {
  return (
    retirement !== undefined &&
    retirement !== 'unreadable' &&
    (retirement.phase === phase || retirement.phase === 'disabled')
  );
}

async function deprecate(ec2: EC2Client, ami: SeenAmi, now: string): Promise<void> {
  const { imageId, deprecatedAt } = ami;
  const at = Date.parse(now);
  // What would be lost with the effect is remembered before it.
  if (deprecatedAt !== undefined) await remember(ec2, ami, 'deprecated', now);
  if (deprecatedAt === undefined || !(Date.parse(deprecatedAt) <= at + SOON_MS))
    await ec2.send(
      new EnableImageDeprecationCommand({ ImageId: imageId, DeprecateAt: new Date(at + SOON_MS) }),
    );
  if (deprecatedAt === undefined) await remember(ec2, ami, 'deprecated', now);
}

/** Whoever shares an AMI uses it, so there are no permissions here that EC2 would drop. */
async function disable(ec2: EC2Client, ami: SeenAmi, now: string): Promise<void> {
  const { imageId, state } = ami;
  if (state !== 'disabled') await ec2.send(new DisableImageCommand({ ImageId: imageId }));
  await remember(ec2, ami, 'disabled', now);
}

/** After the effect, as a rule: the grace time must not begin before the thing itself has. */
async function remember(ec2: EC2Client, ami: SeenAmi, phase: Phase, since: string): Promise<void> {
  const deprecatedBefore = deprecatedBeforeOf(ami);
  const Value = retirementTag({ phase, since, ...(deprecatedBefore !== undefined && { deprecatedBefore }) });
  await ec2.send(
    new CreateTagsCommand({ Resources: [ami.imageId], Tags: [{ Key: TAGS.retirement, Value }] }),
  );
}

/** When an AMI was to be deprecated before its end began. */
function deprecatedBeforeOf({ retirement, deprecatedAt }: SeenAmi): string | undefined {
  if (retirement === undefined) return deprecatedAt;
  return retirement === 'unreadable' ? undefined : retirement.deprecatedBefore;
}

/**
 * Takes the version out of consumers' sight, and then the AMI with its snapshots: into the Recycle Bin where a rule of the account
 * keeps them. EC2 answers with success although a snapshot remains, so its own list is looked at.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeregisterImage.html
 */
async function deregister({ ec2, ssm }: TargetClients, ami: SeenAmi): Promise<Leftover[]> {
  const { accountId, region, imageId, image, version } = ami;
  await deleteParameter(ssm, parameters.version(image, version));
  try {
    const { DeleteSnapshotResults = [] } = await ec2.send(
      new DeregisterImageCommand({ ImageId: imageId, DeleteAssociatedSnapshots: true }),
    );
    const left: Leftover[] = [];
    for (const { SnapshotId = '', ReturnCode = 'no answer' } of DeleteSnapshotResults) {
      if (ReturnCode === 'success') continue;
      const why = await refusal(ec2, SnapshotId);
      if (why !== undefined)
        left.push({ accountId, region, resourceId: SnapshotId, why: `${ReturnCode}: ${why}` });
    }
    return left;
  } catch (error) {
    if (hasCode(error, ...GONE)) return [];
    throw error;
  }
}

/** Deletes a snapshot that EC2 left; why it could not, or undefined. One that another AMI uses is that one's. */
async function refusal(ec2: EC2Client, SnapshotId: string): Promise<string | undefined> {
  try {
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId }));
    return undefined;
  } catch (error) {
    if (hasCode(error, 'InvalidSnapshot.NotFound', 'InvalidSnapshot.InUse')) return undefined;
    return asFact(error).message;
  }
}

/** As if it had never begun, and used now: so it stays for as long as anything that was used today, even where the rest is refused. */
async function restore({ ec2, ssm }: TargetClients, ami: SeenAmi, now: string): Promise<void> {
  const { imageId, state, deprecatedAt } = ami;
  const Tags = [{ Key: TAGS.lastUsed, Value: now }];
  await ec2.send(new CreateTagsCommand({ Resources: [imageId], Tags }));
  if (state === 'disabled') await ec2.send(new EnableImageCommand({ ImageId: imageId }));
  const before = deprecatedBeforeOf(ami);
  if (before === undefined) {
    if (deprecatedAt !== undefined) await ec2.send(new DisableImageDeprecationCommand({ ImageId: imageId }));
  } else if (Date.parse(before) > Date.parse(now) + SOON_MS && before !== deprecatedAt) {
    // One that would be deprecated by now anyhow is.
    await ec2.send(new EnableImageDeprecationCommand({ ImageId: imageId, DeprecateAt: new Date(before) }));
  }
  if (isBegun(ami, 'disabled')) await publishAgain(ssm, ami);
}

/**
 * Whoever deregistered it, or only began to, has first taken its parameter away. What SSM shows may be from before that, so it is written in any
 * case, and then looked at: SSM answers before it looks at the AMI.
 *  @throws PackleaderError NotReadyYet
 */
async function publishAgain(
  ssm: SSMClient,
  { image, version, imageId, releaseState }: SeenAmi,
): Promise<void> {
  if (releaseState === STATES.imported) return;
  const name = parameters.version(image, version);
  await writeParameter(ssm, name, imageId);
  if ((await readParameter(ssm, name)) !== imageId)
    throw new PackleaderError(ERRORS.notReadyYet, `${name} does not show ${imageId} yet`);
}

/**
 * Forgets that the end of an AMI had begun, once all AMIs of its version are restored: as long as the tag is there, every run comes back
 * for the rest, however late, and none takes the version for one that has yet to begin.
 */
export async function forget({ ec2 }: Pick<TargetClients, 'ec2'>, { imageId }: SeenAmi): Promise<void> {
  await ec2.send(new DeleteTagsCommand({ Resources: [imageId], Tags: [{ Key: TAGS.retirement }] }));
}
