import type {
  CreateTagsCommandInput,
  DeleteTagsCommandInput,
  DescribeTagsCommandInput,
  DescribeTagsCommandOutput,
  ResourceType,
} from '@aws-sdk/client-ec2';
import type { Context, Done, Output } from '../context.ts';
import { lying } from '../recycle-bin.ts';
import { addTags, applyFilters, ec2Error, ec2Page } from './requests.ts';
import type { Region, Tags } from '../world.ts';

const RESOURCES_PER_CALL = 1_000;

const KINDS: Record<
  string,
  { find: (place: Region, id: string) => { tags: Tags } | undefined; missing: string; noun: string }
> = {
  ami: {
    find: ({ images, bin }, id) => images.get(id) ?? bin.images.get(id)?.thing,
    missing: 'InvalidAMIID.NotFound',
    noun: 'AMI',
  },
  snap: {
    find: ({ snapshots, bin }, id) => snapshots.get(id) ?? bin.snapshots.get(id)?.thing,
    missing: 'InvalidSnapshot.NotFound',
    noun: 'snapshot',
  },
  i: {
    find: ({ instances }, id) => instances.get(id),
    missing: 'InvalidInstanceID.NotFound',
    noun: 'instance',
  },
  vol: { find: ({ volumes }, id) => volumes.get(id), missing: 'InvalidVolume.NotFound', noun: 'volume' },
  eni: {
    find: ({ networkInterfaces }, id) => networkInterfaces.get(id),
    missing: 'InvalidNetworkInterfaceID.NotFound',
    noun: 'networkInterface',
  },
  sg: {
    find: ({ securityGroups }, id) => securityGroups.get(id),
    missing: 'InvalidGroup.NotFound',
    noun: 'securityGroup',
  },
  key: {
    find: ({ keyPairs }, id) => [...keyPairs.values()].find(({ keyPairId }) => keyPairId === id),
    missing: 'InvalidKeyPair.NotFound',
    noun: 'keyPair',
  },
  lt: {
    find: ({ launchTemplates }, id) => launchTemplates.get(id),
    missing: 'InvalidLaunchTemplateId.NotFound',
    noun: 'launchTemplate',
  },
};

/** The tags of every resource of a request; all of them exist, or nothing happens. */
function tagged(place: Region, ids: readonly string[]): Tags[] {
  if (ids.length === 0)
    throw ec2Error('MissingParameter', 'The request must contain the parameter resourceIdSet');
  if (ids.length > RESOURCES_PER_CALL) {
    throw ec2Error(
      'InvalidParameterValue',
      `At most ${String(RESOURCES_PER_CALL)} resources can be tagged in one call`,
    );
  }
  return ids.map((id) => {
    const kind = KINDS[id.slice(0, id.indexOf('-'))];
    if (kind === undefined) throw ec2Error('InvalidID', `The ID '${id}' is not valid`);
    const resource = kind.find(place, id);
    if (resource === undefined) throw ec2Error(kind.missing, `The ${kind.noun} ID '${id}' does not exist`);
    return resource.tags;
  });
}

function createTags({ place }: Context, input: CreateTagsCommandInput): Done {
  const resources = tagged(place, input.Resources ?? []);
  for (const tags of resources) addTags(new Map(tags), input.Tags);
  for (const tags of resources) addTags(tags, input.Tags);
  return {};
}

function deleteTags({ place }: Context, input: DeleteTagsCommandInput): Done {
  for (const tags of tagged(place, input.Resources ?? [])) {
    if (input.Tags === undefined) tags.clear();
    for (const { Key: key = '', Value: value } of input.Tags ?? []) {
      if (value === undefined || tags.get(key) === value) tags.delete(key);
    }
  }
  return {};
}

/** Also of what lies in the Recycle Bin, which keeps its tags. */
function describeTags(
  { place, now }: Context,
  input: DescribeTagsCommandInput,
): Output<DescribeTagsCommandOutput> {
  const of = (type: ResourceType, things: Iterable<readonly [string, { readonly tags: Tags }]>) =>
    [...things].map(([id, { tags }]) => ({ type, id, tags }));
  const binned = <T>(things: Parameters<typeof lying<T>>[0]) =>
    [...lying(things, now)].map(([id, { thing }]) => [id, thing] as const);
  const { bin } = place;
  const all = [
    ...of('image', [...place.images, ...binned(bin.images)]),
    ...of('instance', place.instances),
    ...of('network-interface', place.networkInterfaces),
    ...of('security-group', place.securityGroups),
    ...of('snapshot', [...place.snapshots, ...binned(bin.snapshots)]),
    ...of('volume', place.volumes),
  ].flatMap(({ type, id, tags }) => [...tags].map(([key, value]) => ({ type, id, key, value, tags })));
  const matching = applyFilters(all, input.Filters, {
    key: ({ key }) => [key],
    'resource-id': ({ id }) => [id],
    'resource-type': ({ type }) => [type],
    value: ({ value }) => [value],
  });
  const { items, nextToken } = ec2Page(matching, input);
  return {
    Tags: items.map(({ type, id, key, value }) => ({
      ResourceType: type,
      ResourceId: id,
      Key: key,
      Value: value,
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

export const tagOperations = { CreateTags: createTags, DeleteTags: deleteTags, DescribeTags: describeTags };

/** The tags of a resource that a call is about to destroy, for the permissions of the caller. */
export function tagsOf(place: Region, id: string): Tags | undefined {
  return KINDS[id.slice(0, id.indexOf('-'))]?.find(place, id)?.tags;
}
