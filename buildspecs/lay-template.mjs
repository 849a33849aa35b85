// Lays an image over its template: the directory that Packer runs in then holds what images share and what is the image's
// own. The bake does it with the release's bytes, `validate` with the factory as it lies there.
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SLUG = /^[a-z][a-z0-9-]*$/;

/**
 * What becomes of the files of a template, by their names in it. A file of the image wins, and what is a directory on one
 * side and a file on the other cannot be laid over.
 * @param {readonly string[]} ofTemplate
 * @param {readonly string[]} ofImage
 * @returns {{ taken: string[], replaced: string[], clashing: string[] }}
 */
export function laidOver(ofTemplate, ofImage) {
  const own = new Set(ofImage);
  const directories = new Set([...ofTemplate, ...ofImage].flatMap(parentsOf));
  return {
    taken: ofTemplate.filter((name) => !own.has(name)),
    replaced: ofTemplate.filter((name) => own.has(name)),
    clashing: [...new Set([...ofTemplate, ...ofImage])].filter((name) => directories.has(name)),
  };
}

/**
 * `a/b/c` has the parents `a/b` and `a`.
 * @param {string} name
 * @returns {string[]}
 */
function parentsOf(name) {
  const parent = dirname(name);
  return parent === '.' ? [] : [parent, ...parentsOf(parent)];
}

/**
 * Puts the files of a template into the directory of an image, except those that the image has itself.
 * @param {string} factory the directory that holds `images` and `templates`
 * @param {string} image
 * @param {string} template
 * @returns {string[]} the files of the template in whose place are the image's own
 */
export function layTemplate(factory, image, template) {
  // Names become paths here, and a name may come from anywhere.
  if (!SLUG.test(template))
    throw new Error(
      `images/${image} takes the template ${JSON.stringify(template)}, which is not the name of a directory below templates/.`,
    );
  const known = directoriesIn(join(factory, 'templates'));
  if (!known.includes(template))
    throw new Error(
      `images/${image} takes the template ${template}, which the source does not have: ${
        known.length === 0
          ? 'it has no templates'
          : `it has ${known.map((name) => `templates/${name}`).join(', ')}`
      }.`,
    );
  const from = `templates/${template}`;
  const to = `images/${image}`;
  const { taken, replaced, clashing } = laidOver(filesBelow(factory, from), filesBelow(factory, to));
  if (clashing.length > 0) throw new Error(clash(image, template, clashing));
  for (const name of taken) {
    const file = join(factory, to, name);
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(join(factory, from, name), file);
  }
  return replaced;
}

/**
 * One sentence for a person: what was laid over what, and which files of the template are not those that are baked.
 * @param {string} image
 * @param {string} template
 * @param {readonly string[]} replaced
 */
export function laidOverText(image, template, replaced) {
  const own = replaced.length === 0 ? '' : `, with its own ${replaced.join(', ')} in place of the template's`;
  return `images/${image} is laid over templates/${template}${own}.`;
}

/**
 * @param {string} image
 * @param {string} template
 * @param {readonly string[]} names
 */
export function clash(image, template, names) {
  return `images/${image} cannot be laid over templates/${template}: in one of them ${names.join(', ')} is a file, in the other a directory.`;
}

/** @param {string} directory */
function directoriesIn(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/**
 * The files below a directory, by their names in it. A symbolic link is refused: it may lead out of the source, and what is
 * written through one would land there.
 * @param {string} factory
 * @param {string} directory
 * @param {string} below
 * @returns {string[]}
 */
function filesBelow(factory, directory, below = '') {
  return readdirSync(join(factory, directory, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    if (entry.isDirectory()) return filesBelow(factory, directory, name);
    if (entry.isFile()) return [name];
    throw new Error(
      `${directory}/${name} is no regular file: a template, and an image that is laid over one, may hold no symbolic links.`,
    );
  });
}
