/** The project `packleader-scan`, simulated: its command knows what Amazon Inspector knows here. */
import * as z from 'zod';
import { SCAN } from '../../core/contract/environments.ts';
import { sbomSchema } from '../../core/sbom/sbom.ts';
import type { BuildRun } from '../aws/builds.ts';
import type { World } from '../aws/world.ts';

const listSchema = z.looseObject({ Contents: z.array(z.looseObject({ Key: z.string() })).default([]) });
const objectSchema = z.looseObject({
  Body: z.looseObject({ transformToString: z.custom<() => Promise<string>>() }),
});

/** Fetching a scanner and what it knows takes the most of it. */
const TAKES_MS = 60_000;

export const scanSboms =
  ({ vulnerabilities: known }: Pick<World, 'vulnerabilities'>) =>
  async (build: BuildRun): Promise<void> => {
    const { environment, region } = build;
    const Bucket = environment[SCAN.bucket];
    const Prefix = `${environment[SCAN.sboms]}/`;
    const { Contents } = listSchema.parse(
      await build.call('s3', 'ListObjectsV2', region, { Bucket, Prefix }),
    );
    if (Contents.length === 0) throw new Error(`s3://${Bucket}/${Prefix} holds no SBOM.`);
    await build.sleep(TAKES_MS);
    for (const { Key } of Contents) {
      const { Body } = objectSchema.parse(await build.call('s3', 'GetObject', region, { Bucket, Key }));
      const sbom = sbomSchema.parse(JSON.parse(await Body.transformToString()));
      const vulnerabilities = known.flatMap(({ id, ratings, packages }) => {
        const affects = sbom.components
          .filter(({ name }) => packages.includes(name))
          .map((component) => ({ ref: component['bom-ref'] ?? '' }));
        return affects.length === 0 ? [] : [{ id, ratings, affects }];
      });
      const name = Key.slice(Prefix.length);
      await build.call('s3', 'PutObject', region, {
        Bucket,
        Key: `${environment[SCAN.scans]}/${name}`,
        Body: JSON.stringify({ ...sbom, vulnerabilities }),
      });
    }
  };
