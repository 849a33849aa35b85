/** Ways in which somebody begins to use an AMI that is not released yet, and ends it again. */
import {
  AutoScalingClient,
  CreateLaunchConfigurationCommand,
  DeleteLaunchConfigurationCommand,
} from '@aws-sdk/client-auto-scaling';
import {
  type EC2ClientConfig,
  ModifyImageAttributeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { Observer } from './observed.ts';

type Client = Pick<EC2ClientConfig, 'region' | 'endpoint' | 'credentials'>;
type End = () => Promise<void>;

/** Returns what ends the use. */
type Use = (observer: Observer, client: Client, imageId: string) => Promise<End>;

const STRANGER = '666655554444';

async function launch({ ec2 }: Observer, _client: Client, ImageId: string): Promise<End> {
  const { Instances: [instance] = [] } = await ec2.send(
    new RunInstancesCommand({ ImageId, InstanceType: 'm7i.large', MinCount: 1, MaxCount: 1 }),
  );
  const InstanceIds = [instance?.InstanceId ?? ''];
  return async () => {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  };
}

async function share({ ec2 }: Observer, _client: Client, ImageId: string): Promise<End> {
  const permission = { UserId: STRANGER };
  await ec2.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Add: [permission] } }));
  return async () => {
    await ec2.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Remove: [permission] } }));
  };
}

async function scale(_observer: Observer, client: Client, ImageId: string): Promise<End> {
  const autoScaling = new AutoScalingClient({ ...client });
  const LaunchConfigurationName = 'workers';
  await autoScaling.send(
    new CreateLaunchConfigurationCommand({ LaunchConfigurationName, ImageId, InstanceType: 'm7i.large' }),
  );
  return async () => {
    await autoScaling.send(new DeleteLaunchConfigurationCommand({ LaunchConfigurationName }));
  };
}

/** By name, as scenarios have it. */
export const USERS: ReadonlyMap<string, Use> = new Map([
  ['an instance', launch],
  ['another account', share],
  ['a launch configuration', scale],
]);
