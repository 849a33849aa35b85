import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { baseImages, imagesInTiers } from '../../../core/configuration/tiers.ts';
import { factoryWith, refusal } from './example.ts';

describe('tiers of images', () => {
  it('put a base before the images built on it', () => {
    const configuration = loadConfiguration(factoryWith());
    expect(imagesInTiers(['web', 'desktop', 'base'], (image) => baseImages(configuration, image))).toEqual([
      ['base', 'desktop'],
      ['web'],
    ]);
  });

  it('count a base only among the chosen images', () => {
    const configuration = loadConfiguration(factoryWith());
    expect(imagesInTiers(['web'], (image) => baseImages(configuration, image))).toEqual([['web']]);
  });

  it('fail for images that are built on each other', () => {
    const bases: Record<string, string[]> = { a: ['b'], b: ['a'], c: [] };
    expect(refusal(() => imagesInTiers(['a', 'b', 'c'], (image) => bases[image] ?? [])).message).toBe(
      'images: found images built on each other, must not be a circle: a, b',
    );
  });
});
