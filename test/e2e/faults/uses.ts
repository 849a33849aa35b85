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
import type { Observer } from './moto-world.ts';

/** Returns what ends the use. */
export type Use = (
  observer: Observer,
  client: Pick<EC2ClientConfig, 'region' | 'endpoint' | 'credentials'>,
  imageId: string,
) => Promise<() => Promise<void>>;

const STRANGER = '666655554444';

export const launch: Use = async ({ ec2 }, _client, ImageId) => {
  const { Instances: [instance] = [] } = await ec2.send(
    new RunInstancesCommand({ ImageId, InstanceType: 'm7i.large', MinCount: 1, MaxCount: 1 }),
  );
  const InstanceIds = [instance?.InstanceId ?? ''];
  return async () => {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  };
};

export const share: Use = async ({ ec2 }, _client, ImageId) => {
  const permission = { UserId: STRANGER };
  await ec2.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Add: [permission] } }));
  return async () => {
    await ec2.send(new ModifyImageAttributeCommand({ ImageId, LaunchPermission: { Remove: [permission] } }));
  };
};

export const scale: Use = async (_observer, client, ImageId) => {
  const autoScaling = new AutoScalingClient({ ...client });
  const LaunchConfigurationName = 'workers';
  await autoScaling.send(
    new CreateLaunchConfigurationCommand({ LaunchConfigurationName, ImageId, InstanceType: 'm7i.large' }),
  );
  return async () => {
    await autoScaling.send(new DeleteLaunchConfigurationCommand({ LaunchConfigurationName }));
  };
};
