import * as z from 'zod';

/** What the AMI of a bake must be, besides encrypted and tagged. What is absent was not told, and is not compared. */
export const askedAmiSchema = z.object({
  platform: z.enum(['linux', 'windows']),
  rootVolumeSizeGiB: z.number().int().optional(),
  /** The builder's volumes, of which one is the root, and those of its source that it leaves out. */
  devices: z.array(z.string()).optional(),
  /** The AMI's volumes: the builder's, and those that the template gives the AMI alone. */
  amiDevices: z.array(z.string()).optional(),
  /** The AMI's root device, where the builder's is another one. */
  rootDevice: z.string().optional(),
  bootMode: z.string().optional(),
});
export type AskedAmi = z.infer<typeof askedAmiSchema>;
