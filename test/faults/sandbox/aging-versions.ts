/** Versions of one image in every target, each as far on its way out as it is called; what is used, and what everybody gets. */
import { parameters } from '../../../core/contract/names.ts';
import { STATES, TAGS } from '../../../core/contract/tags.ts';
import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { binRule } from '../../fixtures/sandbox/bin-rules.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { AGING, type AgingName } from '../oracle/retire-facts.ts';
import { type Baseline, IMAGE, targetsOf } from '../player/baseline.ts';
import type { Retire } from '../player/scenario.ts';
import { USERS } from './ami-users.ts';

const BEGUN = '2026-11-01T00:00:00.000Z';
const CREATED_AT = Date.parse('2026-09-01T00:00:00Z');

/** How far they are: the value of the tag that says so. */
const PHASES: Partial<Record<AgingName, string>> = {
  'to disable': `deprecated ${BEGUN}`,
  'to deregister': `disabled ${BEGUN}`,
  'to restore': `deprecated ${BEGUN}`,
  'to enable': `disabled ${BEGUN}`,
};

export function addAging({ world }: Sandbox, baseline: Baseline, { noRule }: Retire): void {
  const targets = targetsOf(baseline);
  for (const target of targets) {
    const { bin } = world.region(target.accountId, target.region);
    bin.rules.push(binRule('EC2_IMAGE'));
    if (noRule !== true || target !== targets.at(-1)) bin.rules.push(binRule('EBS_SNAPSHOT'));
  }
  for (const [name, version] of Object.entries(AGING)) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- They are the keys of that object.
    const phase = PHASES[name as AgingName];
    const tags = new Map([
      [TAGS.release, `${IMAGE}@${version}`],
      [TAGS.image, IMAGE],
      [TAGS.version, version],
      [TAGS.state, STATES.released],
      [TAGS.versionOnceReleased, version],
      [TAGS.autoCleanup, name === 'kept' ? 'false' : 'true'],
      ...(phase === undefined ? [] : [[TAGS.retirement, phase] as const]),
    ]);
    for (const target of targets) {
      const imageId = addImage(world, target, {
        name: `${IMAGE}-${version}-g0000000`,
        tags,
        createdAt: CREATED_AT,
      });
      const image = world.region(target.accountId, target.region).images.get(imageId);
      if (image && phase !== undefined) image.deprecatedAt = Date.parse(BEGUN);
      if (image && phase?.startsWith('disabled') === true) image.disabled = true;
      addParameter(world, target, parameters.version(IMAGE, version), imageId);
      if (name === 'latest') addParameter(world, target, parameters.latest(IMAGE), imageId);
      const isFirst = target === targets[0];
      const isLast = target === targets.at(-1);
      if (name === 'used' && isLast) USERS['an instance'](world, target, imageId, 'fleet');
      if (name === 'to restore' && isFirst)
        USERS['an old version of a launch template'](world, target, imageId, 'fleet');
      if (name === 'to enable' && isLast) USERS['a launch configuration'](world, target, imageId, 'fleet');
    }
  }
}
