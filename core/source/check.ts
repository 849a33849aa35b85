/** What of a factory no bake would get as it lies in a checkout: docs/decisions/what-git-gives.md. */
import { OUTSIDE } from '../../buildspecs/outside.mjs';
import { type Problem, problem, sortedProblems } from '../configuration/documents/problems.ts';
import { templateOf } from '../configuration/factory.ts';
import type { Files, Link } from '../configuration/files.ts';
import {
  type PackerDirectory,
  isBelow,
  nameInRepository,
  placesOf,
} from '../configuration/packer-directory.ts';
import { isWithin } from './links.ts';
import { nameProblems } from './names.ts';
import { isGitCrypt, isLfsPointer } from './stored-elsewhere.ts';

/** An image that is to be baked, with the template that it takes. */
interface Baked {
  readonly name: string;
  readonly template?: string;
  readonly packer?: PackerDirectory;
}

/**
 * Every such problem of the names, and of what some images are baked from.
 *  @param images all of the factory when it is not told
 */
export function sourceProblems(files: Files, images?: readonly Baked[]): Problem[] {
  const isBaked = (path: string): boolean => {
    // A directory that is none is nobody's image, and nobody's template, until it is one.
    if (images === undefined || STANDS_FOR_A_DIRECTORY.test(path)) return true;
    if (path.startsWith(`${OUTSIDE}/`))
      return images.some(
        ({ name, packer }) => packer && placesOf(name, packer).some((place) => isBelow(path, place)),
      );
    const [image, template] = [imageOf(path), templateOf(`${path}/-`)];
    if (image !== undefined) return images.some(({ name }) => name === image);
    return template === null || images.some((one) => one.template === template);
  };
  const contents = [...files].filter(([path]) => isBaked(path)).flatMap(contentProblems);
  const submodules = (files.submodules ?? []).filter(isBaked).map(submodule);
  const links = [...(files.links ?? [])]
    .filter(([path]) => isBaked(path))
    .flatMap(([path, link]) => linkProblems(files, path, link, images));
  const all = [...nameProblems(files), ...contents, ...submodules, ...links];
  return sortedProblems(all.map((one) => ({ ...one, file: nameInRepository(one.file) })));
}

const STANDS_FOR_A_DIRECTORY = /^(images|templates)(\/[^/]+)?$/;

const imageOf = (path: string): string | undefined => /^images\/([^/]+)/.exec(path)?.[1];

function contentProblems([path, bytes]: [string, Uint8Array]): Problem[] {
  if (isLfsPointer(bytes)) return [problem(path, 0, [], LFS_POINTER)];
  return isGitCrypt(bytes) ? [problem(path, 0, [], GIT_CRYPT)] : [];
}

const LFS_POINTER =
  'found a pointer of Git LFS, must be the file itself: no build runs git lfs; take it out of LFS, or let the bake fetch it, from S3 for example';
const GIT_CRYPT =
  'found a file that git-crypt has encrypted, must be plain: no build has its key; a secret belongs into Secrets Manager or Parameter Store';

const submodule = (path: string): Problem =>
  problem(
    path,
    0,
    [],
    'found a submodule, must be files of this repository: no other is fetched; commit its files here, or let the bake fetch them',
  );

function linkProblems(
  files: Files,
  path: string,
  { to, leadsTo }: Link,
  images: readonly Baked[] | undefined,
): Problem[] {
  const refuse = (must: string) => [
    problem(path, 0, [], `found a symbolic link to ${JSON.stringify(to)}, ${must}`),
  ];
  const image = imageOf(path);
  if (STANDS_FOR_A_DIRECTORY.test(path)) return refuse('must be a directory: put its files here');
  if (templateOf(path) !== null || images?.find(({ name }) => name === image)?.template !== undefined)
    return refuse('must be a file: a template, and an image that is laid over one, may hold no links');
  if (to.startsWith('/')) return refuse('must be relative: a bake has the factory, and nothing around it');
  if (leadsTo === undefined)
    return refuse('must lead to a file or directory of the factory: a bake has nothing else');
  const other = imageOf(leadsTo) ?? templateOf(`${leadsTo}/-`) ?? undefined;
  if (
    leadsTo === '' ||
    /^(images|templates)$/.test(leadsTo) ||
    (other !== undefined && !isWithin(leadsTo, `images/${image}`))
  )
    return refuse(
      'must lead to its own image, or to what all images share: a change over there would not rebuild what uses it here',
    );
  const circular =
    isWithin(path, leadsTo) ||
    [...(files.links?.keys() ?? [])].some((one) => one !== path && isWithin(one, leadsTo));
  return circular ? refuse('must lead to a directory without links') : [];
}
