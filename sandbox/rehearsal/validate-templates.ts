/** The project `packleader-validate`, simulated: it reads what it is told to read. Whether Packer is content, only Packer knows. */
import * as z from 'zod';
import { VALIDATE } from '../../core/contract/environments.ts';
import type { BuildRun } from '../aws/builds.ts';

const listSchema = z.looseObject({ KeyCount: z.number().optional() });

/** Fetching Packer and its plugins takes the most of it. */
const TAKES_MS = 45_000;

export async function validateTemplates(build: BuildRun): Promise<void> {
  const { environment, region } = build;
  const Bucket = environment[VALIDATE.bucket];
  const Prefix = `${environment[VALIDATE.plans]}/`;
  await build.call('s3', 'GetObject', region, { Bucket, Key: environment[VALIDATE.sourceKey] });
  const { KeyCount = 0 } = listSchema.parse(
    await build.call('s3', 'ListObjectsV2', region, { Bucket, Prefix }),
  );
  if (KeyCount === 0) throw new Error(`s3://${Bucket}/${Prefix} holds no plan.`);
  await build.sleep(TAKES_MS);
}
