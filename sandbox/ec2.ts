import { accessOperations } from './ec2-access.ts';
import { imageOperations } from './ec2-images.ts';
import { instanceOperations } from './ec2-instances.ts';
import { snapshotOperations } from './ec2-snapshots.ts';
import { tagOperations } from './ec2-tags.ts';
import { templateOperations } from './ec2-templates.ts';

export const ec2 = {
  ...accessOperations,
  ...imageOperations,
  ...instanceOperations,
  ...snapshotOperations,
  ...tagOperations,
  ...templateOperations,
};
