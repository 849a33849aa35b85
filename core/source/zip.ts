/** Reads a factory from the zip that every account bakes from. */
import { unzipSync } from 'fflate';
import type { Files } from '../configuration/files.ts';
import { followed } from './links.ts';

export function filesInZip(zip: Uint8Array): Files {
  const entries = Object.entries(unzipSync(zip));
  const isLink = linksIn(zip);
  const contents = entries.filter(([name]) => !name.endsWith('/'));
  const decoder = new TextDecoder();
  const links = new Map(
    contents.filter(([name]) => isLink.has(name)).map(([name, to]) => [name, decoder.decode(to)]),
  );
  // Git knows no empty directory but the place of a submodule.
  const directories = entries.map(([name]) => name).filter((name) => name.endsWith('/'));
  const submodules = directories.filter(
    (directory) => !entries.some(([name]) => name !== directory && name.startsWith(directory)),
  );
  return followed({
    files: new Map(contents.filter(([name]) => !isLink.has(name))),
    links,
    submodules: submodules.map((name) => name.slice(0, -1)),
  });
}

/**
 * The entries whose mode is that of a symbolic link; fflate does not tell.
 *  @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.3.12
 */
function linksIn(zip: Uint8Array): Set<string> {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const decoder = new TextDecoder();
  const links = new Set<string>();
  let at = directoryOf(view);
  while (at + HEADER <= view.byteLength && view.getUint32(at, true) === ENTRY) {
    const length = (field: number) => view.getUint16(at + field, true);
    const name = length(28);
    const isUnix = view.getUint8(at + 5) === 3;
    const mode = view.getUint32(at + 38, true) >>> 16;
    if (isUnix && (mode & FILE_TYPE) === SYMBOLIC_LINK)
      links.add(decoder.decode(zip.subarray(at + HEADER, at + HEADER + name)));
    at += HEADER + name + length(30) + length(32);
  }
  return links;
}

/** Where the central directory begins. */
function directoryOf(view: DataView): number {
  for (let end = view.byteLength - 22; end >= 0; end -= 1)
    if (view.getUint32(end, true) === END) return view.getUint32(end + 16, true);
  throw new Error('found no zip: it has no central directory');
}

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const HEADER = 46;
const FILE_TYPE = 0o170000;
const SYMBOLIC_LINK = 0o120000;
