import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { type WorldSnapshot, snapshotOf } from '../../../sandbox/aws/world.ts';

const EARLIER = '1.4.20261001000000';

/** As if the image had been released before: `latest` has something to go back to. Returns the world as it then is. */
export function releasedBefore(sandbox: Sandbox, image: string): Readonly<Record<string, WorldSnapshot>> {
  const tags = new Map([
    ['packleader:release', `${image}@${EARLIER}`],
    ['packleader:state', 'released'],
    ['Version', EARLIER],
  ]);
  for (const place of Object.keys(snapshotOf(sandbox.world))) {
    const [accountId = '', region = ''] = place.split('/');
    const target = { accountId, region };
    const createdAt = Date.parse('2026-10-01T00:00:00Z');
    const imageId = addImage(sandbox.world, target, {
      name: `${image}-${EARLIER}-g0000000`,
      tags,
      createdAt,
    });
    addParameter(sandbox.world, target, `/packleader/${image}/versions/${EARLIER}`, imageId);
    addParameter(sandbox.world, target, `/packleader/${image}/latest`, imageId);
  }
  return snapshotOf(sandbox.world);
}
