/** What somebody can go back from: three releases of one image, in every target, with their records. */
import { keys } from '../../../core/contract/keys.ts';
import { parameters } from '../../../core/contract/names.ts';
import type { ReleasedRecord } from '../../../core/contract/releases.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { type Baseline, IMAGE, RELEASED } from '../player/baseline.ts';

/** Who may launch the AMIs, beside their accounts. */
export const CUSTOMER = '777777777777';

export function addReleases({ world }: Sandbox, { bucket, stages, releases }: Baseline): void {
  const createdAt = Date.parse('2026-09-01T00:00:00Z');
  for (const version of RELEASED) {
    const releaseId = `${IMAGE}@${version}`;
    const tags = new Map([
      [TAGS.release, releaseId],
      [TAGS.image, IMAGE],
      [TAGS.version, version],
      [TAGS.state, STATES.released],
      [TAGS.versionOnceReleased, version],
    ]);
    const images = stages.flatMap(({ name: stage, targets }) =>
      targets.map((target) => {
        const imageId = addImage(world, target, { name: `${IMAGE}-${version}-g0000000`, tags, createdAt });
        world
          .region(target.accountId, target.region)
          .images.get(imageId)
          ?.launchPermissions.users.add(CUSTOMER);
        addParameter(world, target, parameters.version(IMAGE, version), imageId);
        addParameter(world, target, parameters.latest(IMAGE), imageId);
        return { ...target, stage, imageId };
      }),
    );
    const record: ReleasedRecord = { schema: 1, ...releases.A.planned.release, releaseId, version, images };
    const body = new TextEncoder().encode(JSON.stringify(record));
    const objects = world.buckets.get(bucket)?.objects;
    objects?.set(keys.released(IMAGE, version), { body, etag: `"${version}"`, at: createdAt, metadata: {} });
  }
}
