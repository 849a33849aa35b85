import { accessOperations } from './access.ts';
import { imageOperations } from './images.ts';
import { instanceOperations } from './instances.ts';
import { networkOperations } from './network.ts';
import { permissionOperations } from './permissions.ts';
import { recycleBinOperations } from './recycle-bin.ts';
import { snapshotOperations } from './snapshots.ts';
import { tagOperations } from './tags.ts';
import { templateOperations } from './templates.ts';

export const ec2 = {
  ...accessOperations,
  ...imageOperations,
  ...instanceOperations,
  ...networkOperations,
  ...permissionOperations,
  ...recycleBinOperations,
  ...snapshotOperations,
  ...tagOperations,
  ...templateOperations,
};
