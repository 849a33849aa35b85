import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { asFact } from './aws-errors.ts';
import { type Plan, planSchema } from './contract.ts';

const s3 = new S3Client({});

/** An object of the hub's bucket. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
}

export async function readBytes({ bucket, key }: Place): Promise<Uint8Array> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    if (!Body) throw new Error(`s3://${bucket}/${key} has no content`);
    return await Body.transformToByteArray();
  } catch (error) {
    throw asFact(error);
  }
}

export async function readJson({ bucket, key }: Place): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await readBytes({ bucket, key })));
}

export async function readPlan(place: Place): Promise<Plan> {
  return planSchema.parse(await readJson(place));
}

export async function writeJson(
  { bucket, key }: Place,
  document: unknown,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: JSON.stringify(document, null, 2),
    ContentType: 'application/json',
    ...(Object.keys(metadata).length > 0 && { Metadata: metadata }),
  });
  try {
    await s3.send(command);
  } catch (error) {
    throw asFact(error);
  }
}
