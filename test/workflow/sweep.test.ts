import { describe, expect, test } from 'vitest';
import { releasedBefore } from '../faults/oracle.ts';
import { targetsIn } from './rehearsing.ts';
import { type StopPoint, HOUR_MS, settledWorld, stoppedRelease, sweep, withHub } from './sweeping.ts';

const factory = {
  stages: { dev: [...targetsIn(0, 1), ...targetsIn(0, 1, 'eu-central-1')], prod: targetsIn(1, 2) },
};
const RELEASE = 'base@1.4.20261121093000';

/** The first effect of a state, or of the builds it started. */
const effectOf =
  (state: string): StopPoint =>
  (call, here) =>
    here === state && call.mutating;
const packer =
  (operation: string): StopPoint =>
  (call) =>
    call.operation === operation && call.role === 'packleader-bake';

const POINTS: readonly (readonly [string, StopPoint])[] = [
  ['when nothing was built yet', (call, here) => here === 'Resolve source AMIs' && call.service === 'ec2'],
  ['as the first bake starts', effectOf('Bake dev AMIs')],
  ['as Packer makes its key pair', packer('CreateKeyPair')],
  ['as Packer launches a builder', packer('RunInstances')],
  ['as Packer stops the builder', packer('StopInstances')],
  ['as Packer makes an AMI', packer('CreateImage')],
  ['as the second stage is baked', effectOf('Bake prod AMIs')],
  ['as the AMIs get their version', effectOf('Apply version tags')],
  ['as the first parameter is published', effectOf('Publish release')],
  [
    'as latest flips in the first target',
    (call, here) =>
      here === 'Publish release' && call.mutating && String(call.input['Name']).endsWith('latest'),
  ],
];

describe.each(POINTS)('a release that is stopped %s', (_title, at) => {
  test.each([false, true])('leaves nothing once it was swept (the call answered: %s)', async (after) => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      const { history } = await stoppedRelease(hub, { at, after });
      expect(history.ending?.outcome.status).toBe('ABORTED');
      const report = await sweep(hub, { release: RELEASE });
      expect(report).toMatchObject({ complete: true, leftovers: [] });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });

  test('leaves nothing once a schedule has swept everything that is an hour old', async () => {
    await withHub(factory, async (hub) => {
      const before = releasedBefore(hub.sandbox, 'base');
      await stoppedRelease(hub, { at });
      await hub.sandbox.clock.sleep(HOUR_MS);
      expect(await sweep(hub)).toMatchObject({ complete: true });
      expect(await settledWorld(hub)).toEqual(before);
    });
  });
});
