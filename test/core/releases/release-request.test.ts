import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../core/releases/release-request.ts';

const EXAMPLE = 'Correct inputs are {} (whatever changed)';

describe('a release request', () => {
  it.each([
    [{}, { images: undefined, overrides: undefined }],
    // The console starts with this, and a bare start there should work.
    [{ Comment: 'Insert your JSON here' }, { images: undefined, overrides: undefined }],
    [{ image: 'web' }, { images: ['web'], overrides: undefined }],
    [{ images: ['base', 'web'] }, { images: ['base', 'web'], overrides: undefined }],
    [
      { image: 'web', ref: 'v1', branch: 'main', reason: 'CVE', overrides: { instanceType: 't3.large' } },
      { images: ['web'], overrides: { instanceType: 't3.large' }, reason: 'CVE' },
    ],
  ])('%j names what it wants', (asked, chosen) => {
    expect(parseRequest(asked)).toEqual(chosen);
  });

  it.each([
    ['that is text', 'web', 'The input is the string "web", but must be a JSON object.'],
    ['that is null', null, 'The input is null, but must be a JSON object.'],
    ['that is a list', ['web'], 'The input is a list, but must be a JSON object.'],
    [
      'with a misspelt field',
      { imgae: 'web' },
      'The input has an unknown field "imgae". Did you mean "image"?',
    ],
    ['with an unknown field', { temperature: 3 }, 'The input has an unknown field "temperature".'],
    [
      'with two unknown fields',
      { foo_foo_foo: 1, bar_bar_bar: 2 },
      'field "foo_foo_foo". The input has an unknown field "bar_bar_bar".',
    ],
    ['with a number for a name', { image: 7 }, 'The field "image" is the number 7: '],
    ['with an empty name', { image: '' }, 'The field "image" is the string "": '],
    ['with a list that holds none', { images: ['web', null] }, 'The field "images.1" is null: '],
    [
      'with a branch that git takes for none',
      { branch: 'feature/../x y' },
      'The field "branch" is the string "feature/../x y": must be the name of a branch, as git takes it.',
    ],
    [
      'with a ref that git takes for none',
      { ref: '--upload-pack=x' },
      'The field "ref" is the string "--upload-pack=x": must be the name of a commit, a tag or a branch',
    ],
    ['with text for overrides', { overrides: 'x' }, 'The field "overrides" is the string "x": '],
    [
      'with both image and images',
      { image: 'a', images: ['b'] },
      'Give either "image" or "images", not both.',
    ],
  ])('fails %s, and shows a correct one', (_, asked, message) => {
    expect(() => parseRequest(asked)).toThrow(message);
    expect(() => parseRequest(asked)).toThrow(EXAMPLE);
    expect(() => parseRequest(asked)).toThrow(expect.objectContaining({ name: 'InvalidRequest' }));
  });

  it('fails with an empty list of images: {} is how to ask for whatever changed', () => {
    expect(() => parseRequest({ images: [] })).toThrow('The field "images" is a list: ');
  });
});
