/** What Packer finds in the directory of an image: its own files, and those that it takes of its template. */
import { clash, laidOver } from '../../buildspecs/lay-template.mjs';
import { problem, type Problem } from '../configuration/documents/problems.ts';
import { isTemplateFile } from './template.ts';
import type { Files } from '../configuration/files.ts';

export interface LaidOver {
  readonly template: string | undefined;
  /** Whether the files are those of a directory that knows nothing of packleader. */
  readonly isAdopted?: true;
  /** By its name in the directory, the file of the factory that it is. */
  readonly files: ReadonlyMap<string, string>;
  /** The files of the template in whose place are the image's own. */
  readonly replaced: readonly string[];
  /** Why the one cannot be laid over the other. */
  readonly problems: readonly Problem[];
}

export function layOver(files: Files, image: string, template: string | undefined): LaidOver {
  const namesIn = (directory: string): string[] =>
    [...files.keys()]
      .filter((name) => name.startsWith(`${directory}/`))
      .map((name) => name.slice(directory.length + 1));
  const own = namesIn(`images/${image}`);
  const ofImage = own.map((name) => [name, `images/${image}/${name}`] as const);
  if (template === undefined) return { template, files: new Map(ofImage), replaced: [], problems: [] };
  const { taken, replaced, clashing } = laidOver(namesIn(`templates/${template}`), own);
  return {
    template,
    files: new Map([...ofImage, ...taken.map((name) => [name, `templates/${template}/${name}`] as const)]),
    replaced,
    problems:
      clashing.length === 0 ? [] : [problem(`images/${image}`, 0, [], clash(image, template, clashing))],
  };
}

/** The files that Packer takes for the template of an image, in Packer's order. */
export const templateFiles = ({ files }: LaidOver): string[] =>
  [...files]
    .filter(([name]) => isTemplateFile(name))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, file]) => file);

/** What a tool said of the directory, with each file under the name that a person knows it by. */
export const ownNames = ({ files }: LaidOver, image: string, text: string): string =>
  text.replaceAll(/images\/([a-z][a-z0-9-]*)\/([\w./@-]*\w)/g, (said, of: string, name: string) =>
    of === image ? (files.get(name) ?? said) : said,
  );
