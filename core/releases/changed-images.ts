import type { Changes } from '../contract/releases.ts';

/**
 * The images to release after a push: those that were never released, those with a changed file of their own, all of them
 * when something they share changed, and those built on one of these.
 */
export function changedImages(
  images: readonly string[],
  changes: Changes,
  basesOf: (image: string) => readonly string[],
): string[] {
  const changed = new Set(images.filter((image) => changedItself(image, changes)));
  for (let before = -1; before !== changed.size;) {
    before = changed.size;
    for (const image of images) if (basesOf(image).some((base) => changed.has(base))) changed.add(image);
  }
  return images.filter((image) => changed.has(image));
}

function changedItself(image: string, changes: Changes): boolean {
  const change = changes[image];
  if (!change || change.since === null) return true;
  return change.files.some((file) => file.startsWith(`images/${image}/`) || !file.startsWith('images/'));
}
