/** Whoever may use an AMI of a release that is being undone: nothing of these may lose it. */
import type { Target } from '../../../core/contract/targets.ts';
import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import type { World } from '../../../sandbox/aws/world.ts';

const NOW = { createdAt: 0, instanceType: 'm7i.large' } as const;

function launchTemplate(
  world: World,
  { accountId, region }: Target,
  images: readonly string[],
  team: string,
): void {
  world.region(accountId, region).launchTemplates.set(`lt-${team}`, {
    launchTemplateId: `lt-${team}`,
    name: team,
    createdBy: `arn:aws:iam::${accountId}:role/${team}`,
    defaultVersion: images.length,
    versions: images.map((imageId, index) => ({ ...NOW, number: index + 1, imageId })),
    createdAt: NOW.createdAt,
    tags: new Map(),
  });
}

/** As a person would call them. */
export const USER_NAMES = [
  'an instance',
  'a launch template',
  'an old version of a launch template',
  'a launch configuration',
  'an Auto Scaling group',
  'a parameter',
  'another image',
  'another account',
] as const;
export type User = (typeof USER_NAMES)[number];

type Using = (world: World, target: Target, imageId: string, team?: string) => void;

/** Each puts itself into a target. */
export const USERS: Readonly<Record<User, Using>> = {
  'an instance': (world, { accountId, region }, imageId, team = 'team') => {
    world.region(accountId, region).instances.set(`i-${team}`, {
      instanceId: `i-${team}`,
      imageId,
      instanceType: NOW.instanceType,
      architecture: 'x86_64',
      securityGroupIds: [],
      volumeIds: [],
      launchedAt: world.clock.milliseconds(),
      asked: 'stop',
      askedAt: world.clock.milliseconds(),
      httpTokens: 'required',
      tags: new Map(),
    });
  },
  'a launch template': (world, target, imageId, team = 'team') =>
    launchTemplate(world, target, [imageId], team),
  'an old version of a launch template': (world, target, imageId, team = 'team') =>
    launchTemplate(world, target, [imageId, 'ami-0aaaaaaaaaaaaaaaa'], team),
  'a launch configuration': (world, { accountId, region }, imageId, team = 'team') => {
    const { launchConfigurations } = world.region(accountId, region);
    launchConfigurations.set(team, { name: team, imageId, instanceType: NOW.instanceType });
  },
  'an Auto Scaling group': (world, { accountId, region }, imageId) => {
    world.region(accountId, region).autoScalingGroups.set('team', { name: 'team', overrides: [{ imageId }] });
  },
  'a parameter': (world, target, imageId) => addParameter(world, target, '/team/ami', imageId),
  'another image': (world, target, imageId) => {
    const tags = new Map([['packleader:source-ami', imageId]]);
    addImage(world, target, { name: 'team-app', tags, createdAt: world.clock.milliseconds() });
  },
  'another account': (world, { accountId, region }, imageId) => {
    world.region(accountId, region).images.get(imageId)?.launchPermissions.users.add('123456789012');
  },
};

export const isUser = (name: string): name is User => USER_NAMES.some((one) => one === name);
