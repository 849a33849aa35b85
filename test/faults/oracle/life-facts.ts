/** Who uses an AMI, as the world has it: what everything that goes is judged by. It rests on nothing of the code that decides. */
import { parameters } from '../../../core/contract/names.ts';
import { TAGS } from '../../../core/contract/tags.ts';
import { type Image, type Region, type World, instanceState } from '../../../sandbox/aws/world.ts';
import { valueOf } from './world-facts.ts';

const ALIAS = 'resolve:ssm:';

/** Everything that would miss an AMI if it were gone now; that a version can be found by its own parameter is no use of it. */
export function usersIn(world: World, place: Region, imageId: string): string[] {
  const now = world.clock.milliseconds();
  const image = place.images.get(imageId);
  const own =
    image && parameters.version(image.tags.get(TAGS.image) ?? '', image.tags.get(TAGS.version) ?? '');
  const isIt = (named = ''): boolean =>
    (named.startsWith(ALIAS) ? valueOf(place, named.slice(ALIAS.length)) : named) === imageId;
  return [
    ...[...place.instances.values()]
      .filter((one) => one.imageId === imageId && instanceState(one, now) !== 'terminated')
      .map(({ instanceId }) => instanceId),
    ...[...place.launchTemplates.values()]
      .filter(({ versions }) => versions.some((version) => isIt(version.imageId)))
      .map(({ launchTemplateId }) => launchTemplateId),
    ...[...place.launchConfigurations.values()].filter((one) => isIt(one.imageId)).map(({ name }) => name),
    ...[...place.autoScalingGroups.values()]
      .filter(({ overrides }) => overrides.some((one) => isIt(one.imageId)))
      .map(({ name }) => name),
    ...[...place.parameters.values()]
      .filter(
        ({ name, dataType }) =>
          name !== own && dataType === 'aws:ec2:image' && valueOf(place, name) === imageId,
      )
      .map(({ name }) => name),
    ...[...place.images.values()]
      .filter(({ tags }) => tags.get(TAGS.sourceAmi) === imageId)
      .map((child) => child.imageId),
    ...(image ? sharedWith(image) : []),
  ];
}

function sharedWith({
  launchPermissions: { users, organizations, units },
  public: everybody,
}: Image): string[] {
  return [...users, ...organizations, ...units, ...(everybody ? ['everybody'] : [])];
}
