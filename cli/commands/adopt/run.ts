import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Change } from '../../../core/templates/adopted/rewrite.ts';
import { asSeenFromStart } from '../../input/start-directory.ts';
import { paintedDiff, unifiedDiff } from '../../terminal/diff.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { type Adoption, type AdoptOptions, adoption } from './adoption.ts';

/** `packleader adopt`: writes an image, all of it or nothing, and tells what is different in the copy that is baked. */
export async function adoptCommand(
  { json, ...options }: AdoptOptions & { readonly json: boolean },
  output: Output,
): Promise<void> {
  output.status('  … reading the template');
  const adopted = await adoption(options);
  writeAll(adopted.files);
  output.status('');
  if (json) output.print(jsonText(documentOf(adopted)));
  else tell(adopted, output);
}

/** @throws what the file system says; what was written before is taken back */
function writeAll(files: ReadonlyMap<string, string>): void {
  const made: string[] = [];
  try {
    for (const [file, text] of files) {
      const above = missingAbove(file);
      mkdirSync(dirname(file), { recursive: true });
      made.push(above ?? file);
      writeFileSync(file, text, { flag: 'wx' });
    }
  } catch (error) {
    for (const file of made.slice(0, -1).reverse()) rmSync(file, { recursive: true, force: true });
    const last = made.at(-1);
    // A file that was there before is somebody's.
    if (last !== undefined && !files.has(last)) rmSync(last, { recursive: true, force: true });
    throw error;
  }
}

/** The highest directory of a file that is not there yet. */
function missingAbove(file: string): string | undefined {
  const above = dirname(file);
  if (existsSync(above)) return undefined;
  return missingAbove(above) ?? above;
}

function tell({ image, files, adopted, notChecked }: Adoption, { print, paint }: Output): void {
  for (const file of files.keys()) print(`  ${paint('green', 'wrote')}  ${asSeenFromStart(file)}\n`);
  for (const why of notChecked) print(`  ${paint('yellow', 'not checked:')} ${why}\n`);
  print(
    `\n${paint('bold', image)} is baked as ${adopted.build}. In the copy that is baked, and nowhere else, packleader\n`,
  );
  print(changesText(adopted.changes, paint));
  for (const { file, before, after } of adopted.files) {
    print(`\n${paintedDiff(bakedDiff(file, before, after), paint)}`);
  }
  print(`\nNext: packleader validate ${image}, then packleader rehearse ${image}\n`);
}

const bakedDiff = (file: string, before: string, after: string): string[] =>
  unifiedDiff([file, `${file}, in the copy that is baked`], before, after);

/** One line for all changes of a kind and a reason. */
export function changesText(changes: readonly Change[], paint: Output['paint']): string {
  const together = Map.groupBy(changes, ({ change, why }) => `${change} ${why}`);
  return [...together.values()]
    .map((same) => {
      const [first] = same;
      const what = same.map((one) => one.what).join(', ');
      const where = first && first.line > 0 ? `${first.file}:${first.line}` : first?.file;
      return `  ${first?.change.padEnd(10)}  ${what}  ${paint('dim', `${where}: ${first?.why}`)}\n`;
    })
    .join('');
}

/** The document that `--json` promises. */
const documentOf = ({ image, files, adopted, packer, notChecked }: Adoption) => ({
  outcome: 'written',
  image,
  build: adopted.build,
  packer,
  wrote: [...files.keys()].map(asSeenFromStart),
  changes: adopted.changes,
  overlaySha256: adopted.sha256,
  diff: adopted.files.flatMap(({ file, before, after }) => bakedDiff(file, before, after)).join('\n'),
  notChecked,
});
