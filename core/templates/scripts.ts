import { type Problem, problem } from '../configuration/documents/problems.ts';
import type { Files } from '../configuration/files.ts';
import type { LaidOver } from './laid-over.ts';

/** What a shell or an interpreter of Linux reads by lines; its own line end is a part of the last word of each. */
const READ_BY_LINES = /\.(sh|bash|py)$/;

/** Scripts with the line ends of Windows: Linux looks for an interpreter named `bash\r`, and says that the script is not there. */
export function scriptProblems(files: Files, { files: baked, isAdopted }: LaidOver): Problem[] {
  // What was baked before is baked as it was: Packer's own provisioner takes the CR away.
  if (isAdopted) return [];
  const found = [...new Set(baked.values())].flatMap((name) => {
    const bytes = files.get(name);
    if (!bytes || !(READ_BY_LINES.test(name) || startsWithInterpreter(bytes))) return [];
    const at = bytes.findIndex((byte, index) => byte === CR && bytes[index + 1] === LF);
    if (at < 0) return [];
    const line = bytes.subarray(0, at).filter((byte) => byte === LF).length + 1;
    return [{ name, line }];
  });
  const [first, ...others] = found;
  if (!first) return [];
  const more = others.length === 0 ? '' : `; so do ${others.map(({ name }) => name).join(', ')}`;
  const message = `found a line that ends in CR LF, must end in LF: Linux takes the CR for a part of the line (\`* text=auto eol=lf\` in .gitattributes keeps it so)${more}`;
  return [problem(first.name, first.line, [], message)];
}

const CR = 13;
const LF = 10;

const startsWithInterpreter = (bytes: Uint8Array): boolean => bytes[0] === 35 && bytes[1] === 33;
