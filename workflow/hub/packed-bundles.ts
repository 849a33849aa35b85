/** Many files that hold much of the same, as one small one. */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import * as z from 'zod';

const packedSchema = z.record(z.string(), z.string());

/**
 * gzip, with which npm packs, looks 32 KB back; this looks back over all of it.
 *  @param files by their paths
 */
export function packBundles(files: ReadonlyMap<string, Buffer>): Buffer {
  const texts = [...files].map(([name, contents]) => [name, contents.toString('latin1')]);
  return brotliCompressSync(JSON.stringify(Object.fromEntries(texts)), {
    params: {
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_QUALITY]: 9,
    },
  });
}

/** @throws Error for anything that {@link packBundles} has not made */
export function unpackBundles(packed: Buffer): Map<string, Buffer> {
  const texts = packedSchema.parse(JSON.parse(brotliDecompressSync(packed).toString()));
  return new Map(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text, 'latin1')]));
}
