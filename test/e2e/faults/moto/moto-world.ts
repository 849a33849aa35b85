/** What moto holds, read with its own API and around the proxy, in the shape that the fault suite's oracle looks at. */
import { EC2Client } from '@aws-sdk/client-ec2';
import { CreateArchiveCommand, DescribeArchiveCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { Region, World } from '../../../../sandbox/aws/world.ts';
import { NAMES } from '../../../../core/contract/names.ts';
import type { Release } from '../../../../core/contract/releases.ts';
import { type Target, targetName } from '../../../../core/contract/targets.ts';
import { type Baseline, targetsOf } from '../../../faults/player/baseline.ts';
import type { Moto } from '../../moto.ts';
import { type Observer, imagesIn, parametersIn, readBuilders, replace, snapshotsIn } from './observed.ts';

export class MotoWorld {
  readonly #moto: Moto;
  readonly #world: World;
  readonly #baseline: Baseline;
  readonly #releases: readonly Release[];
  readonly observers: readonly Observer[];

  private constructor(
    moto: Moto,
    world: World,
    baseline: Baseline,
    releases: readonly Release[],
    observers: readonly Observer[],
  ) {
    this.#moto = moto;
    this.#world = world;
    this.#baseline = baseline;
    this.#releases = releases;
    this.observers = observers;
  }

  static async of(
    moto: Moto,
    world: World,
    baseline: Baseline,
    releases: readonly Release[],
  ): Promise<MotoWorld> {
    const observers = await Promise.all(
      targetsOf(baseline).map(async (target) => {
        const observer = await moto.observer(target);
        return { target, ec2: new EC2Client(observer), ssm: new SSMClient(observer) };
      }),
    );
    const made = new MotoWorld(moto, world, baseline, releases, observers);
    const events = new EventBridgeClient({ endpoint: moto.endpoint });
    const { accountId, region } = baseline.hub;
    for (const { ArchiveName, detailType, releaseId } of archivesOf(releases)) {
      await events.send(
        new CreateArchiveCommand({
          ArchiveName,
          EventSourceArn: `arn:aws:events:${region}:${accountId}:event-bus/default`,
          EventPattern: JSON.stringify({ 'detail-type': [detailType], detail: { releaseId: [releaseId] } }),
        }),
      );
    }
    return made;
  }

  observerOf(target: Target): Observer {
    const found = this.observers.find((one) => targetName(one.target) === targetName(target));
    if (found === undefined) throw new Error(`Nobody observes ${targetName(target)}.`);
    return found;
  }

  /** Reads what consumers can see. Parameters come last: whatever they point at was there before. */
  async readVisible(): Promise<void> {
    await Promise.all(
      this.observers.map(async (observer) => {
        const place = this.#placeOf(observer);
        const [images, snapshots] = await Promise.all([imagesIn(observer), snapshotsIn(observer)]);
        const parameters = await parametersIn(observer);
        replace(place.images, images);
        replace(place.snapshots, snapshots);
        replace(place.parameters, parameters);
      }),
    );
  }

  /** Reads all that the oracle knows of. */
  async readAll(): Promise<void> {
    await Promise.all([
      this.readVisible(),
      this.#readRecords(),
      this.#readEvents(),
      ...this.observers.map(async (observer) => readBuilders(observer, this.#placeOf(observer))),
    ]);
  }

  #placeOf({ target }: Observer): Region {
    return this.#world.region(target.accountId, target.region);
  }

  async #readRecords(): Promise<void> {
    const { bucket, hub } = this.#baseline;
    const client = new S3Client({ endpoint: this.#moto.endpoint });
    const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: bucket }));
    const contents = pages.flatMap(({ Contents = [] }) => Contents);
    const object = { body: new Uint8Array(), etag: '', at: 0, metadata: {} };
    this.#world.buckets.set(bucket, {
      name: bucket,
      ownerId: hub.accountId,
      region: hub.region,
      guests: new Set(),
      objects: new Map(contents.map(({ Key = '' }) => [Key, object])),
    });
  }

  /** moto keeps no events, but an archive of them counts. */
  async #readEvents(): Promise<void> {
    const events = new EventBridgeClient({ endpoint: this.#moto.endpoint });
    this.#world.events.length = 0;
    for (const { ArchiveName, detailType, releaseId } of archivesOf(this.#releases)) {
      const { EventCount = 0 } = await events.send(new DescribeArchiveCommand({ ArchiveName }));
      if (EventCount === 0) continue;
      this.#world.events.push({
        at: '',
        id: ArchiveName,
        ...this.#baseline.hub,
        source: NAMES.eventSource,
        detailType,
        detail: { releaseId },
        eventBusName: 'default',
        resources: [],
      });
    }
  }
}

/** One for each kind of announcement that a release can make. */
const archivesOf = (releases: readonly Release[]) =>
  releases.flatMap(({ releaseId }, index) => [
    { ArchiveName: `released-${index}`, detailType: NAMES.released, releaseId },
    { ArchiveName: `rolled-back-${index}`, detailType: NAMES.rolledBack, releaseId },
  ]);
