import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { packBundles, unpackBundles } from '../../../workflow/hub/packed-bundles.ts';

describe('packed bundles', () => {
  const sdk = randomBytes(400_000);
  const files = new Map(
    ['a', 'b', 'c', 'd'].map((name) => [
      `tasks/${name}/index.mjs`,
      Buffer.concat([Buffer.from(`ü ${name}`), sdk]),
    ]),
  );
  const packed = packBundles(files);

  it('are byte for byte what was packed', () => {
    expect([...unpackBundles(packed)]).toEqual([...files]);
  });

  it('hold once what they have in common', () => {
    expect(packed.length).toBeLessThan(2 * sdk.length);
  });
});
