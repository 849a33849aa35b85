import { describe, expect, test } from 'vitest';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';
import { AL2023, STAGES } from '../../fixtures/factories.ts';

describe('packleader-release', () => {
  test('a base is released before the images built on it, which use exactly that version, in each account its own AMI', async () => {
    const report = await rehearseFactory({ stages: STAGES, images: { web: 'image: base', base: AL2023 } });
    expect(report.releases.map(({ image, outcome }) => [image, outcome])).toEqual([
      ['base', 'released'],
      ['web', 'released'],
    ]);
    const [base, web] = report.releases;
    expect(web?.targets.map(({ sourceImageId }) => sourceImageId)).toEqual(
      base?.targets.map(({ imageId }) => imageId),
    );
    expect(new Set(base?.targets.map(({ imageId }) => imageId)).size).toBe(2);
  });

  test('an image whose base failed finds nothing to start from, and other images are released all the same', async () => {
    const report = await rehearseFactory(
      { stages: STAGES, images: { base: AL2023, web: 'image: base', other: AL2023 } },
      {
        prepare: (sandbox) => {
          sandbox.builds.fail = (environment) =>
            environment['PACKLEADER_IMAGE'] === 'base' ? { at: 'provision', message: 'no' } : undefined;
        },
      },
    );
    expect(Object.fromEntries(report.releases.map(({ image, outcome }) => [image, outcome]))).toEqual({
      base: 'rolled back',
      other: 'released',
      web: 'rolled back',
    });
    expect(report.outcome).toBe('rolled back');
    expect(pathOf(report, 'web')).toMatch(/^Resolve source AMIs > Verify rollback/);
    expect(report.releases.find(({ image }) => image === 'web')?.error?.name).toBe('BaseImageNotReleased');
  });

  test.each([
    [{ imagee: 'base' }, 'The input has an unknown field "imagee". Did you mean "image"?'],
    [{ image: 5 }, 'The field "image" is the number 5'],
    [['base'], 'The input is a list, but must be a JSON object.'],
    [{ image: 'base', images: ['base'] }, 'Give either "image" or "images", not both.'],
  ])('fails on %j with a sentence and a correct input', async (request, sentence) => {
    const report = await rehearseFactory({ stages: STAGES }, { request });
    expect(report.error?.name).toBe('InvalidRequest');
    expect(report.error?.cause).toContain(sentence);
    expect(report.error?.cause).toContain('{ "image": "linux-base" }');
    expect(report.releases).toEqual([]);
  });

  test('an empty input releases whatever changed', async () => {
    const images = { base: AL2023, web: 'image: base', other: AL2023 };
    const since = 'b'.repeat(40);
    const changes = {
      base: { since, files: ['images/base/config/default.yaml'] },
      web: { since, files: [] },
      other: { since, files: [] },
    };
    const report = await rehearseFactory({ stages: STAGES, images }, { request: {}, changes });
    expect(report.releases.map(({ image }) => image)).toEqual(['base', 'web']);
  });
});
