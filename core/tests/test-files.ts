/** The tests of an image: what of its directory, and of its template's, is run on an instance that the AMI has booted. */
import { type Problem, problem } from '../configuration/documents/problems.ts';
import type { Image } from '../configuration/factory.ts';
import type { Files } from '../configuration/files.ts';
import { MOST_TEST_BYTES } from '../contract/limits.ts';

export type TestedImage = Pick<Image, 'name' | 'platform' | 'template'>;

/** A file of tests. */
export interface TestFile {
  /** Where it lies in the factory. */
  readonly path: string;
  readonly text: string;
  /** The functions in it that are tests. */
  readonly tests: readonly string[];
}

const KINDS = {
  linux: { extension: '.sh', test: /^(test_[a-z0-9_]+)\(\) \{$/gm, example: 'test_nginx_answers() {' },
  windows: {
    extension: '.ps1',
    test: /^function (Test-\w+) *(?:\(\s*\) *)?\{/gim,
    example: 'function Test-SiteAnswers {',
  },
} as const;

/** Its own, and those of its template that it has no file of the same name for, by name. */
export function testFiles(files: Files, { name: image, platform, template }: TestedImage): TestFile[] {
  const { extension, test } = KINDS[platform];
  const directories = [...(template === undefined ? [] : [`templates/${template}`]), `images/${image}`];
  const found = new Map<string, TestFile>();
  for (const directory of directories)
    for (const path of namesIn(files, directory)) {
      const text = new TextDecoder().decode(files.get(path));
      if (!path.endsWith(extension)) continue;
      const tests = [...text.matchAll(test)].map(([, name = '']) => name);
      found.set(path.slice(path.lastIndexOf('/') + 1), { path, text, tests });
    }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

const NAME = /\/[\w.-]+$/;

/** The files directly in the directory of tests of an image, or of a template. */
const namesIn = (files: Files, directory: string): string[] =>
  [...files.keys()].filter((name) => {
    const prefix = `${directory}/tests/`;
    return name.startsWith(prefix) && !name.slice(prefix.length).includes('/');
  });

/**
 * What is wrong with the tests of an image.
 *  @param isTested whether a layer asks for them anywhere; undefined when that cannot be told
 */
export function testProblems(files: Files, image: TestedImage, isTested: boolean | undefined): Problem[] {
  const { extension, example } = KINDS[image.platform];
  const own = `images/${image.name}/tests`;
  const hasOwn = [...files.keys()].some((name) => name.startsWith(`${own}/`));
  const found = testFiles(files, image);
  const none = (where: string) =>
    `found no test in ${where}, must hold a file *${extension} with at least one function like \`${example}\``;
  if (hasOwn && !found.some(({ path }) => path.startsWith(`${own}/`)))
    return [problem(own, 0, [], none('it'))];
  const unspeakable = found.filter(({ path }) => !NAME.test(path));
  if (unspeakable.length > 0)
    return unspeakable.map(({ path }) =>
      problem(path, 0, [], 'found a name of other characters, must be of letters, digits, dots and hyphens'),
    );
  const empty = found.filter(({ tests }) => tests.length === 0);
  if (empty.length > 0) return empty.map(({ path }) => problem(path, 0, [], none('it')));
  if (isTested === true && found.length === 0)
    return [problem(own, 0, [], `${none('it')}: a layer has test for ${image.name}`)];
  if (isTested === false && hasOwn)
    return [
      problem(
        own,
        0,
        [],
        `found tests that nothing runs, must be asked for: write test: {} into images/${image.name}/config/default.yaml`,
      ),
    ];
  const bytes = found.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (isTested === true && bytes > MOST_TEST_BYTES)
    return [
      problem(
        own,
        0,
        [],
        `found ${bytes} bytes of tests, must be at most ${MOST_TEST_BYTES}: they go to the instance within one command`,
      ),
    ];
  return [];
}
