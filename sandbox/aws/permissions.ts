/**
 * As much of IAM as the factory rests on: which operations a role may use at all, that the steward destroys only what carries the tag
 * of a release, and that a bake shares nothing.
 */
import { TAGS } from '../../core/contract/tags.ts';
import { assumedRoleArn, type Context } from './context.ts';
import { tagsOf } from './ec2/tags.ts';
import { awsError, type Service } from './errors.ts';
import type { Region, Role } from './world.ts';

/** The resource each destructive operation is about. Absent resources are let through to the service's own error. */
const DESTROYED: Record<string, (place: Region, input: Record<string, unknown>) => unknown> = {
  DeleteKeyPair: ({ keyPairs }, { KeyName: name, KeyPairId: id }) =>
    id ?? keyPairs.get(String(name))?.keyPairId,
  DeleteNetworkInterface: (_place, { NetworkInterfaceId: id }) => id,
  DeleteSecurityGroup: (_place, { GroupId: id }) => id,
  DeleteSnapshot: (_place, { SnapshotId: id }) => id,
  DeleteVolume: (_place, { VolumeId: id }) => id,
  DeregisterImage: (_place, { ImageId: id }) => id,
  DisableImage: (_place, { ImageId: id }) => id,
  EnableImageDeprecation: (_place, { ImageId: id }) => id,
  EnableImage: (_place, { ImageId: id }) => id,
  RestoreImageFromRecycleBin: (_place, { ImageId: id }) => id,
  RestoreSnapshotFromRecycleBin: (_place, { SnapshotId: id }) => id,
  ModifyImageAttribute: (_place, { ImageId: id }) => id,
  ModifySnapshotAttribute: (_place, { SnapshotId: id }) => id,
  StopInstances: (_place, { InstanceIds: ids }) => ids,
  TerminateInstances: (_place, { InstanceIds: ids }) => ids,
};

/** Of actions, where it is not the name of the client. */
const PREFIXES: Partial<Record<Service, string>> = {
  sfn: 'states',
  eventbridge: 'events',
  inspectorscan: 'inspector-scan',
};

const DENIED: Record<Service, string> = {
  autoscaling: 'AccessDenied',
  cloudtrail: 'AccessDeniedException',
  codebuild: 'AccessDeniedException',
  ec2: 'UnauthorizedOperation',
  eventbridge: 'AccessDeniedException',
  iam: 'AccessDenied',
  inspectorscan: 'AccessDeniedException',
  rbin: 'AccessDeniedException',
  s3: 'AccessDenied',
  secretsmanager: 'AccessDeniedException',
  sfn: 'AccessDeniedException',
  ssm: 'AccessDeniedException',
  sts: 'AccessDenied',
};

export function checkPermission(context: Context, service: Service, operation: string, input: object): void {
  const role = context.world.roles.get(`${context.accountId}/${context.role}`);
  if (role === undefined || !role.allows.test(`${service}:${operation}`)) {
    throw denied(context, service, operation);
  }
  if (operation === 'ModifyImageAttribute' && !mayModify(role, input))
    throw denied(context, service, operation);
  const resource = DESTROYED[operation];
  if (service !== 'ec2' || resource === undefined) return;
  for (const id of [resource(context.place, { ...input })].flat()) {
    const tags = typeof id === 'string' ? tagsOf(context.place, id) : undefined;
    if (tags !== undefined && !mayDestroy(context, tags)) throw denied(context, service, operation);
  }
}

/** Launch permissions are what IAM cannot name, and so what is left when all else is named. */
function mayModify({ imageAttributes }: Role, input: object): boolean {
  const isNamed = ['Description', 'ImdsSupport'].some((name) => name in input);
  return imageAttributes === undefined || isNamed === (imageAttributes === 'all but launch permissions');
}

export function mayDestroy({ world, accountId, role }: Context, tags: ReadonlyMap<string, string>): boolean {
  return world.roles.get(`${accountId}/${role}`)?.destroysTaggedOnly !== true || tags.has(TAGS.release);
}

export function denied(context: Context, service: Service, operation: string, resource = '*'): Error {
  const action = `${PREFIXES[service] ?? service}:${operation}`;
  const who = `User: ${assumedRoleArn(context)} is not authorized to perform: ${action} on resource: ${resource}`;
  return awsError(
    service,
    DENIED[service],
    service === 'ec2'
      ? `You are not authorized to perform this operation. ${who} because no identity-based policy allows the ${action} action`
      : who,
    403,
  );
}
