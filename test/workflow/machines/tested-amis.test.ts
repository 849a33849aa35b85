import { expect, test } from 'vitest';
import { TAGS } from '../../../core/contract/tags.ts';
import type { Call, Sandbox } from '../../../sandbox/sandbox.ts';
import { STAGES } from '../../fixtures/factories.ts';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import type { Report } from '../../../sandbox/rehearsal/rehearsal.ts';

const FACTORY = { stages: STAGES, tests: true } as const;
const prodFails = (kind: 'failed' | 'silent') => ({ faults: [{ state: 'Test prod AMIs', kind }] });

/** Instances and groups of the release that are there at the end. */
const left = ({ world }: Report) =>
  Object.values(world).flatMap(({ instances, securityGroups, images }) =>
    [
      ...instances.map(({ instanceId, tags }) => ({ id: instanceId, tags })),
      ...securityGroups.map(({ groupId, tags }) => ({ id: groupId, tags })),
      ...images.map(({ imageId, tags }) => ({ id: imageId, tags })),
    ].flatMap(({ id, tags }) => (tags[TAGS.release] === undefined ? [] : [id])),
  );

test('every AMI is tested right after it is checked, and only AMIs are left of it', async () => {
  const { calls, objects, prepare } = watched();
  const report = await rehearseFactory(FACTORY, { prepare });
  expect(pathOf(report)).toBe(
    [
      'Resolve source AMIs',
      'Bake dev AMIs',
      'Check dev AMIs',
      'Test dev AMIs',
      'Bake prod AMIs',
      'Check prod AMIs',
      'Test prod AMIs',
      'Compare AMIs',
      'Apply version tags',
      'Publish release',
      'Announce release',
      'Released',
    ].join(' > '),
  );
  expect(left(report)).toEqual(report.releases[0]?.targets.map(({ imageId }) => imageId));
  const launches = calls.filter(isOfTest('RunInstances'));
  expect(
    launches.map(({ input }) => [input['ImageId'], Object(input['MetadataOptions']).HttpTokens]),
  ).toEqual(report.releases[0]?.targets.map(({ imageId }) => [imageId, 'required']));
  // Nothing lets anybody in.
  expect(calls.filter(isOfTest('AuthorizeSecurityGroupIngress'))).toEqual([]);
  const printed = objects().filter(([key]) => key.startsWith('tests/'));
  expect(printed.map(([key]) => key)).toEqual([
    'tests/100000000001/base-1.4.20261121093000/eu-west-1.txt',
    'tests/100001000001/base-1.4.20261121093000/eu-west-1.txt',
  ]);
  expect(new TextDecoder().decode(printed[0]?.[1].body)).toBe('1 tests, 0 failed\nok      test_boots\n');
});

test('the record says how many tests were passed, in the stages that have any', async () => {
  const { objects, prepare } = watched();
  const settings = "accounts: { '100001000001': { test: null } }";
  await rehearseFactory({ ...FACTORY, settings }, { prepare });
  const [record] = objects().filter(([key]) => key.startsWith('released/'));
  expect(JSON.parse(new TextDecoder().decode(record?.[1].body))).toMatchObject({
    tested: { dev: { instances: 1, tests: 1 } },
  });
});

/** A world whose calls and objects can be asked for. */
function watched() {
  const calls: Call[] = [];
  const sandboxes: Sandbox[] = [];
  return {
    calls,
    objects: () =>
      sandboxes.flatMap(({ world }) => [...world.buckets.values()].flatMap(({ objects }) => [...objects])),
    prepare: (sandbox: Sandbox): void => {
      sandboxes.push(sandbox);
      sandbox.intercept(async (call, next) => {
        calls.push(call);
        return next();
      });
    },
  };
}

const isOfTest =
  (operation: string) =>
  (call: Call): boolean =>
    call.role === 'packleader-tester' && call.operation === operation;

test('only where a layer asks for it: elsewhere the state is a single transition', async () => {
  const { calls, prepare } = watched();
  const settings = "accounts: { '100001000001': { test: null } }";
  const report = await rehearseFactory({ ...FACTORY, settings }, { prepare });
  expect(report.outcome).toBe('released');
  const launches = calls.filter(isOfTest('RunInstances'));
  expect(launches.map(({ accountId }) => accountId)).toEqual(['100000000001']);
  const both = await rehearseFactory(FACTORY);
  expect(both.figures.transitions).toBeGreaterThan(report.figures.transitions);
});

test('one that does not pass undoes the release, with its failing lines, and is deregistered behind its instance', async () => {
  const report = await rehearseFactory(FACTORY, prodFails('failed'));
  const [release] = report.releases;
  expect(release?.outcome).toBe('rolled back');
  expect(pathOf(report)).toMatch(
    /Test prod AMIs > Deregister prod AMIs > Deregister dev AMIs > Verify rollback/,
  );
  const { cause = '', name } = release?.error ?? {};
  expect(name).toBe('TestsFailed');
  expect(cause).toMatch(
    /^TestsFailed: 100001000001\/eu-west-1: ami-\w+ did not pass its tests:\nFAILED {2}test_boots\n {8}made to fail/,
  );
  expect(left(report)).toEqual([]);
});

test('one whose agent never reports undoes the release when its time is over, and says what was waited for', async () => {
  const report = await rehearseFactory(FACTORY, prodFails('silent'));
  const [release] = report.releases;
  expect(release?.outcome).toBe('rolled back');
  expect(release?.error?.cause).toMatch(
    /\n10 minutes were not enough for the Systems Manager agent of i-\w+, which must reach ssm and ssmmessages\n/,
  );
  expect(left(report)).toEqual([]);
});
