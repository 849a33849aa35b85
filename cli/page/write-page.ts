import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { asSeenFromStart, fromStart } from '../input/start-directory.ts';
import type { Output } from '../terminal/output.ts';

/**
 * Writes a page where somebody may be reading the one before it: either is there as a whole at any moment.
 *  @throws what the file system says of the file that was named
 */
export function writePage(name: string, html: string, { print, paint }: Output): void {
  const file = fromStart(name);
  const beside = `${file}.${process.pid}.part`;
  try {
    writeFileSync(beside, html);
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    // Whoever named the file has never heard of the one beside it.
    throw error instanceof Error ? Object.assign(error, { path: file }) : error;
  }
  const size = Math.ceil(Buffer.byteLength(html) / 1_000);
  print(`  ${paint('green', 'wrote')}  ${asSeenFromStart(file)} (${size.toLocaleString('en')} kB)\n`);
}
