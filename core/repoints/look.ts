/** What targets hold of releases, before any of it is changed; nothing here changes anything. */
import { DescribeImageAttributeCommand, type Image } from '@aws-sdk/client-ec2';
import { snapshotIdsOf, tagsOf } from '../amis/release-images.ts';
import { describeAmi, isGone, whyUnusable } from '../amis/usable.ts';
import { clientsFor } from '../aws/clients.ts';
import { inEveryTarget } from '../aws/every-target.ts';
import { parameters } from '../contract/names.ts';
import type { ReleasedRecord } from '../contract/releases.ts';
import { type DisabledAmi, type MarkedAmi, launchPermissionSchema } from '../contract/repoints.ts';
import { STATES, TAGS } from '../contract/tags.ts';
import { type Target, targetName } from '../contract/targets.ts';
import { readParameter } from '../publication/publication.ts';

export type RecordedAmi = ReleasedRecord['images'][number];

export const amiIn = ({ images }: ReleasedRecord, target: Target): RecordedAmi | undefined =>
  images.find((image) => targetName(image) === targetName(target));

/**
 * Why a version cannot be what `latest` shows in all of these targets, as one sentence; undefined when it can.
 *  @param revived its AMIs are about to stand again, so that their mark is none
 */
export async function whyNotEverywhere(
  record: ReleasedRecord,
  targets: readonly Target[],
  revived = false,
): Promise<string | undefined> {
  const { image, version } = record;
  const reasons = await inEveryTarget(targets, async (target) => {
    const ami = amiIn(record, target);
    if (!ami) return `it was never released to ${targetName(target)}`;
    const { ec2, ssm } = clientsFor(target);
    const found = await describeAmi(ec2, ami.imageId);
    if (found === undefined || isGone(found))
      return `its AMI ${ami.imageId} is gone from ${targetName(target)}`;
    const fault = revived && isMarked(found) ? undefined : whyUnusable(found);
    if (fault !== undefined)
      return `its AMI ${ami.imageId} in ${targetName(target)} cannot be used: ${fault}`;
    const name = parameters.version(image, version);
    const published = await readParameter(ssm, name);
    return published === ami.imageId
      ? ''
      : `${name} in ${targetName(target)} shows ${published ?? 'nothing'}, and not its AMI ${ami.imageId}`;
  });
  return reasons.find((reason) => reason !== '');
}

export const isMarked = (image: Image): boolean => tagsOf(image).get(TAGS.state) === STATES.revoked;

/** What becomes of an AMI that is marked. */
export interface Marking {
  readonly action: 'revoke' | 'restore';
  readonly disable: boolean;
  /** What its revocation disabled, as its record has it. */
  readonly disabled: readonly DisabledAmi[];
  /** What revocations disabled that wrote no record. */
  readonly unrecorded: () => Promise<readonly DisabledAmi[]>;
}

/** An AMI and what it is now; undefined when it is gone, or `unchanged` when nothing about it changes. */
export async function lookAtAmi(
  ami: RecordedAmi,
  marking: Marking,
): Promise<MarkedAmi | 'unchanged' | undefined> {
  const { ec2 } = clientsFor(ami);
  const image = await describeAmi(ec2, ami.imageId);
  if (image === undefined || isGone(image)) return undefined;
  const { accountId, region, imageId, stage } = ami;
  const state = tagsOf(image).get(TAGS.state) ?? STATES.released;
  const disabled = image.State === 'disabled';
  const isIt = (one: DisabledAmi): boolean => one.imageId === imageId && targetName(one) === targetName(ami);
  const recorded = marking.disabled.find(isIt);
  // Only one that is marked: somebody else may have disabled another one.
  const unrecorded =
    disabled && !recorded && state === STATES.revoked ? (await marking.unrecorded()).find(isIt) : undefined;
  const changes = {
    accountId,
    region,
    imageId,
    stage,
    snapshotIds: snapshotIdsOf(image),
    was: { state, disabled },
  };
  if (marking.action === 'restore') {
    const enable = disabled ? (recorded ?? unrecorded)?.sharedWith : undefined;
    if (state !== STATES.revoked && !enable) return 'unchanged';
    return { ...changes, ...(enable && { enable }) };
  }
  const disable = marking.disable && !disabled;
  // Nothing about it changes, but its record is to say who could launch it.
  if (unrecorded) return { ...changes, was: { ...changes.was, sharedWith: unrecorded.sharedWith } };
  if (state === STATES.revoked && !disable) return 'unchanged';
  if (!disable) return changes;
  const sharedWith = await launchPermissionsOf(ami);
  return { ...changes, was: { ...changes.was, sharedWith }, disable: true };
}

async function launchPermissionsOf(ami: RecordedAmi): Promise<DisabledAmi['sharedWith']> {
  const { LaunchPermissions = [] } = await clientsFor(ami).ec2.send(
    new DescribeImageAttributeCommand({ ImageId: ami.imageId, Attribute: 'launchPermission' }),
  );
  return LaunchPermissions.map((permission) => launchPermissionSchema.parse(permission));
}
