import { posix } from 'node:path';
import type { NewFile } from '../../scaffold/changes.ts';
import { toldChanges } from '../../scaffold/told.ts';
import type { Output } from '../../terminal/output.ts';

interface NewImage {
  /** Of the factory, as whoever started the program would write it. */
  readonly directory: string;
  readonly written: readonly NewFile[];
  readonly image: string;
}

export function tell(output: Output, { directory, written, image }: NewImage): void {
  const seen = written.map((file) => ({ ...file, path: posix.join(directory, file.path) }));
  output.print(toldChanges(output, { written: seen, added: [], kept: [] }));
  output.print(`\nNext: npx packleader rehearse ${image}\n`);
}
