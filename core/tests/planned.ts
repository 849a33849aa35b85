/** What of a plan says how its AMIs are tested. */
import { namedSubnets, subnetFiltersOf } from '../configuration/packer-variables.ts';
import type { Settings } from '../configuration/settings.ts';
import { DEFAULT_TEST_MINUTES } from '../contract/limits.ts';
import type { Release } from '../contract/releases.ts';
import { type Target, inGroups, targetName } from '../contract/targets.ts';
import type { TestOfTarget, TestPlan } from '../contract/tests.ts';
import type { Files } from '../configuration/files.ts';
import { testScript } from './script.ts';
import { type TestedImage, testFiles } from './test-files.ts';

/** How the AMI of a target is tested: where its builder would run; undefined when it is not. */
export function testOf(settings: Settings): TestOfTarget | undefined {
  const { test, network, tags, instanceType } = settings;
  if (test === undefined) return undefined;
  const subnetFilters = subnetFiltersOf(network);
  return {
    instanceType: test.instanceType ?? instanceType,
    timeoutMinutes: test.timeoutMinutes ?? DEFAULT_TEST_MINUTES,
    ...(test.userData !== undefined && { userData: test.userData }),
    ...(network?.vpcId !== undefined && { vpcId: network.vpcId }),
    subnetIds: namedSubnets(network),
    ...(subnetFilters && { subnetFilters }),
    tags,
  };
}

/** `tests.json`; undefined when no target is tested. */
export function testPlan(
  files: Files,
  image: TestedImage,
  release: Release,
  tested: readonly (readonly [Target, TestOfTarget])[],
): TestPlan | undefined {
  if (tested.length === 0) return undefined;
  return {
    platform: image.platform,
    script: testScript(image.platform, testFiles(files, image), release),
    tested: inGroups(tested.map(([target, how]) => [targetName(target), how] as const)),
  };
}
