import type { Configuration } from '../configuration/configuration.ts';
import { type Image, templateOf } from '../configuration/factory.ts';
import { isBelow, placesOf } from '../configuration/packer-directory.ts';
import { baseImages } from '../configuration/tiers.ts';
import type { Changes } from '../contract/releases.ts';

/** The images of a factory to release when that is what changed. */
export function imagesToRelease(configuration: Configuration, changes: Changes): string[] {
  return changedImages(configuration.factory.images, changes, {
    templates: configuration.templateNames,
    basesOf: (image) => baseImages(configuration, image),
  });
}

/**
 * The images to release after a push: those that were never released, those with a changed file of their own, of their template
 * or of the directory that they take as it is, all of them when something they share changed, and those built on one of these.
 */
export function changedImages(
  images: readonly Pick<Image, 'name' | 'template' | 'packer'>[],
  changes: Changes,
  {
    templates,
    basesOf,
  }: {
    /** All that there are. */
    readonly templates: readonly string[];
    readonly basesOf: (image: string) => readonly string[];
  },
): string[] {
  const names = images.map(({ name }) => name);
  const places = new Map(images.map(({ name, packer }) => [name, packer ? placesOf(name, packer) : []]));
  const taken = [...places.values()].flat();
  const changed = new Set(
    images
      .filter((image) =>
        changedItself(image, changes, { templates, own: places.get(image.name) ?? [], taken }),
      )
      .map(({ name }) => name),
  );
  for (let before = -1; before !== changed.size;) {
    before = changed.size;
    for (const image of names) if (basesOf(image).some((base) => changed.has(base))) changed.add(image);
  }
  return names.filter((image) => changed.has(image));
}

function changedItself(
  { name, template }: Pick<Image, 'name' | 'template'>,
  changes: Changes,
  {
    templates,
    own,
    taken,
  }: {
    readonly templates: readonly string[];
    /** What the image bakes as it is, and what any image does. */
    readonly own: readonly string[];
    readonly taken: readonly string[];
  },
): boolean {
  const change = changes[name];
  if (!change || change.since === null) return true;
  return change.files.some((file) => {
    if (taken.some((place) => isBelow(file, place))) return own.some((place) => isBelow(file, place));
    if (file.startsWith('images/')) return file.startsWith(`images/${name}/`);
    const of = templateOf(file);
    // Who took a template that is gone is not known any more.
    return of === null || of === template || !templates.includes(of);
  });
}
