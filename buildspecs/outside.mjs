// What an image bakes that lies outside of the factory's directory: a directory of Packer's that was there before the factory.
// `Fetch source` packs it from the commit, and a laptop reads it from the repository.

/** The directory of the source that holds it, each part under its own path in the repository. */
export const OUTSIDE = '.repository';

/** Of an image. */
export const IMAGE = /^images\/[^/]+\/image\.yaml$/;

const PATH = /(?<![^\s"'[{,:])\/([\w.@+-]+(?:\/[\w.@+-]+)*)/g;

/**
 * The paths in the repository that an `image.yaml` names, which it writes as git writes them in .gitignore: `/my-packer/web`. Any
 * such word counts, so that nobody has to read YAML for it; one that the repository does not have is nobody's. A factory at the root
 * has all of it inside.
 * @param {string} factory from the root of the repository; `.` is the root itself
 * @param {Iterable<string>} texts of every `image.yaml`
 * @returns {string[]} sorted, and none below another
 */
export function outsidePaths(factory, texts) {
  if (factory === '.') return [];
  const named = [...texts].flatMap((text) => [...text.matchAll(PATH)].map(([, path = '']) => path));
  const paths = [...new Set(named)].filter((path) => !path.split('/').some((part) => /^\.{1,2}$/.test(part)));
  return paths.filter((path) => !paths.some((other) => path.startsWith(`${other}/`))).sort();
}

/**
 * The name in the source of a file of the repository that lies below one of these; undefined for any other.
 * @param {readonly string[]} paths
 * @param {string} file
 */
export function outsideName(paths, file) {
  return paths.some((path) => file === path || file.startsWith(`${path}/`))
    ? `${OUTSIDE}/${file}`
    : undefined;
}
