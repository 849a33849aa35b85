/** `ansible-playbook --syntax-check` and ansible-lint, for every playbook of the factory. */
import { join } from 'node:path';
import * as z from 'zod';
import { isConfiguration } from '../../core/configuration/factory.ts';
import { problem, type Problem } from '../../core/configuration/documents/problems.ts';
import { findProgram } from '../../tools/programs.ts';
import { type Check, notChecked, OK, resultOf, unmade } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';
import { broke, runTool } from './run-tool.ts';
import { byImage, imageOf } from './scopes.ts';
import { jsonIn } from './shellcheck.ts';

const ANSIBLE_IS_MISSING = 'ansible-playbook is missing: `pip install ansible-core`';
const LINT_IS_MISSING = 'ansible-lint is missing: `pip install ansible-lint`';

export function ansibleChecks(tree: FactoryTree, files: readonly string[]): Check[] {
  const playbooks = files.filter((name) => isPlaybook(tree, name));
  return playbooks.length === 0 ? [] : [...syntaxChecks(tree, playbooks), lintCheck(tree, playbooks)];
}

/** A list of plays; a role's files are lists too. */
const isPlaybook = (tree: FactoryTree, name: string): boolean =>
  /\.ya?ml$/.test(name) &&
  !isConfiguration(name) &&
  !/(^|\/)roles\//.test(name) &&
  /^(- +| {2,})(hosts|(ansible\.builtin\.)?import_playbook)\s*:/m.test(tree.text(name));

function syntaxChecks(tree: FactoryTree, playbooks: readonly string[]): Check[] {
  const program = findProgram('ansible-playbook');
  return byImage(playbooks).map(({ image, names }): Check => {
    if (program === undefined) return unmade('ansible syntax', ANSIBLE_IS_MISSING, { image });
    const run = async () => {
      const cwd = await tree.root();
      const args = ['--syntax-check', ...names];
      const ended = await runTool(program.command, args, { cwd, env: await environmentOf(tree, image) });
      if (ended.status === 0) return OK;
      const found = syntaxProblem(await tree.named(ended.stderr));
      return found === undefined ? notChecked(broke('ansible-playbook', ended)) : resultOf([found]);
    };
    const dependsOn = ['ansible syntax', program.identity, names, tree.content(ansibleFiles(tree, image))];
    return { check: 'ansible syntax', image, stage: null, work: [{ dependsOn, run }] };
  });
}

/**
 * Ansible stops at the first error: `[ERROR]: <what>` and `Origin: <file>:<line>:<column>` since 2.19, `ERROR! <what>` and
 * `The error appears to be in '<file>': line <line>` before.
 */
function syntaxProblem(said: string): Problem | undefined {
  const [, what] = /^(?:\[ERROR\]:|ERROR!) (.+)$/m.exec(said) ?? [];
  const [, file, line] =
    /^Origin: (.+?):(\d+)(?::\d+)?$/m.exec(said) ?? /appears to be in '(.+?)': line (\d+)/.exec(said) ?? [];
  return what === undefined || file === undefined ? undefined : problem(file, Number(line), [], what);
}

function lintCheck(tree: FactoryTree, playbooks: readonly string[]): Check {
  const program = findProgram('ansible-lint');
  const ansible = findProgram('ansible-playbook');
  if (program === undefined) return unmade('ansible-lint', LINT_IS_MISSING);
  if (ansible === undefined) return unmade('ansible-lint', ANSIBLE_IS_MISSING);
  const run = async () => {
    const cwd = await tree.root();
    const args = ['--offline', '--nocolor', '-q', '-f', 'codeclimate', ...playbooks];
    const ended = await runTool(program.command, args, { cwd, env: await environmentOf(tree, undefined) });
    if (ended.status === 0) return OK;
    const said = issuesSchema.safeParse(jsonIn(await tree.named(ended.stdout)));
    if (!said.success || said.data.length === 0) return notChecked(broke('ansible-lint', ended));
    return resultOf(said.data.map(lintProblem));
  };
  const content = tree.content(ansibleFiles(tree, undefined));
  const dependsOn = ['ansible-lint', program.identity, ansible.identity, playbooks, content];
  return { check: 'ansible-lint', image: null, stage: null, work: [{ dependsOn, run }] };
}

const issuesSchema = z.array(
  z.object({
    check_name: z.string(),
    description: z.string(),
    content: z.object({ body: z.string() }).optional(),
    location: z.object({
      path: z.string(),
      lines: z.object({ begin: z.number() }).optional(),
      positions: z.object({ begin: z.object({ line: z.number() }) }).optional(),
    }),
  }),
);

function lintProblem({
  check_name: rule,
  description,
  content,
  location: { path, lines, positions },
}: z.infer<typeof issuesSchema>[number]): Problem {
  const detail = content === undefined ? '' : `: ${content.body}`;
  return problem(path, lines?.begin ?? positions?.begin.line ?? 0, [], `${description}${detail} (${rule})`);
}

/** What playbooks of an image, or of all images, may read: everything but what is certainly something else. */
const ansibleFiles = (tree: FactoryTree, image: string | null | undefined): string[] =>
  [...tree.files.keys()].filter(
    (name) =>
      !isConfiguration(name) &&
      !/\.(hcl|sh|ps[md]?1)$/.test(name) &&
      (image === undefined || [null, image].includes(imageOf(name))),
  );

/** Roles are found wherever a directory of that name is, because on the machine they lie elsewhere. */
async function environmentOf(
  tree: FactoryTree,
  image: string | null | undefined,
): Promise<NodeJS.ProcessEnv> {
  const root = await tree.root();
  const roles = ansibleFiles(tree, image).flatMap((name) => /^(.*?\/)?roles(?=\/)/.exec(name)?.[0] ?? []);
  return {
    ...process.env,
    ANSIBLE_ROLES_PATH: [...new Set(roles)].map((directory) => join(root, directory)).join(':'),
    ANSIBLE_LOCALHOST_WARNING: 'False',
    ANSIBLE_INVENTORY_UNPARSED_WARNING: 'False',
    ANSIBLE_NOCOLOR: 'True',
    NO_COLOR: '1',
  };
}
