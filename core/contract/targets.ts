import * as z from 'zod';

export const accountIdSchema = z.string().regex(/^\d{12}$/, 'an AWS account id has 12 digits');
export const regionSchema = z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like eu-west-1');

/** One account and one region. */
export const targetSchema = z.object({ accountId: accountIdSchema, region: regionSchema });
export type Target = z.infer<typeof targetSchema>;
export const targetName = ({ accountId, region }: Target) => `${accountId}/${region}`;

/** An AMI of a release in one target. */
export const amiSchema = targetSchema.extend({ imageId: z.string() });
export type Ami = z.infer<typeof amiSchema>;
