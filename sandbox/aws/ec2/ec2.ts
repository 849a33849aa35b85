import { accessOperations } from './access.ts';
import { imageOperations } from './images.ts';
import { instanceOperations } from './instances.ts';
import { networkOperations } from './network.ts';
import { snapshotOperations } from './snapshots.ts';
import { tagOperations } from './tags.ts';
import { templateOperations } from './templates.ts';

export const ec2 = {
  ...accessOperations,
  ...imageOperations,
  ...instanceOperations,
  ...networkOperations,
  ...snapshotOperations,
  ...tagOperations,
  ...templateOperations,
};
