/**
 * `ansible-playbook --syntax-check` and ansible-lint, for every playbook of the factory. The syntax is that of what is baked, a
 * playbook with the roles of its image and of its template; what lint finds belongs to a file, wherever that goes.
 */
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { isConfiguration } from '../../core/configuration/factory.ts';
import { problem, type Problem } from '../../core/configuration/documents/problems.ts';
import { findProgram } from '../../tools/programs.ts';
import { type Check, notChecked, OK, resultOf, unmade } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';
import { ownNames } from '../../core/templates/laid-over.ts';
import { broke, runTool } from './run-tool.ts';
import { imageOf, isSharedByAll } from './scopes.ts';
import { jsonIn } from './shellcheck.ts';

const ANSIBLE_IS_MISSING = 'ansible-playbook is missing: `pip install ansible-core`';
const LINT_IS_MISSING = 'ansible-lint is missing: `pip install ansible-lint`';

export function ansibleChecks(tree: FactoryTree, files: readonly string[]): Check[] {
  const playbooks = files.filter((name) => isPlaybook(tree, name));
  const images = [...new Set(files.flatMap((name) => imageOf(name) ?? []))];
  return playbooks.length === 0 ? [] : [...syntaxChecks(tree, images, playbooks), lintCheck(tree, playbooks)];
}

/** A list of plays; a role's files are lists too. */
const isPlaybook = (tree: FactoryTree, name: string): boolean =>
  /\.ya?ml$/.test(name) &&
  !isConfiguration(name) &&
  !/(^|\/)roles\//.test(name) &&
  /^(- +| {2,})(hosts|(ansible\.builtin\.)?import_playbook)\s*:/m.test(tree.text(name));

/** Playbooks, and where they are looked at. */
interface Syntax {
  /** Null for playbooks that no image bakes. */
  readonly image: string | null;
  /** From the root on. */
  readonly playbooks: readonly string[];
  readonly roles: readonly string[];
  /** The files of the factory that they may read. */
  readonly content: readonly string[];
  readonly root: () => Promise<string>;
}

function syntaxChecks(tree: FactoryTree, images: readonly string[], playbooks: readonly string[]): Check[] {
  const program = findProgram('ansible-playbook');
  const baked = images.map((image) => syntaxOf(tree, image));
  const isBaked = new Set(images.flatMap((image) => [...tree.laidOver(image).files.values()]));
  const files = ansibleFiles(tree);
  const rest: Syntax = {
    image: null,
    playbooks: playbooks.filter((name) => !isBaked.has(name)),
    roles: rolesIn(files.filter((name) => imageOf(name) === null)),
    content: files.filter((name) => imageOf(name) === null),
    root: () => tree.root(),
  };
  const checked = [rest, ...baked].filter((one) => one.playbooks.length > 0);
  return checked.map(({ image, playbooks: names, roles, content, root }): Check => {
    if (program === undefined) return unmade('ansible syntax', ANSIBLE_IS_MISSING, { image });
    const run = async () => {
      const cwd = await root();
      const args = ['--syntax-check', ...names];
      const ended = await runTool(program.command, args, { cwd, env: environmentOf(cwd, roles) });
      if (ended.status === 0) return OK;
      const told = await tree.named(ended.stderr);
      const found = syntaxProblem(image === null ? told : ownNames(tree.laidOver(image), image, told));
      return found === undefined ? notChecked(broke('ansible-playbook', ended)) : resultOf([found]);
    };
    const dependsOn = ['ansible syntax', program.identity, names, roles, tree.content(content)];
    return { check: 'ansible syntax', image, stage: null, work: [{ dependsOn, run }] };
  });
}

function syntaxOf(tree: FactoryTree, image: string): Syntax {
  const { files, problems } = tree.laidOver(image);
  const known = new Set(ansibleFiles(tree));
  const baked = [...files].filter(([, file]) => known.has(file));
  const shared = [...known].filter(isSharedByAll);
  const names = baked.map(([name]) => `images/${image}/${name}`);
  return {
    image,
    // What cannot be laid over is not baked, and Packer's check says so.
    playbooks:
      problems.length > 0
        ? []
        : baked
            .filter(([, file]) => isPlaybook(tree, file))
            .map(([name]) => `images/${image}/${name}`)
            .toSorted(),
    roles: rolesIn([...shared, ...names]),
    content: [...shared, ...baked.map(([, file]) => file)],
    root: async () => dirname(dirname(await tree.bakedDirectory(image))),
  };
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
  const files = ansibleFiles(tree);
  const run = async () => {
    const cwd = await tree.root();
    const args = ['--offline', '--nocolor', '-q', '-f', 'codeclimate', ...playbooks];
    const ended = await runTool(program.command, args, { cwd, env: environmentOf(cwd, rolesIn(files)) });
    if (ended.status === 0) return OK;
    const said = issuesSchema.safeParse(jsonIn(await tree.named(ended.stdout)));
    if (!said.success || said.data.length === 0) return notChecked(broke('ansible-lint', ended));
    return resultOf(said.data.map(lintProblem));
  };
  const content = tree.content(files);
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

/** What playbooks may read: everything but what is certainly something else. */
const ansibleFiles = (tree: FactoryTree): string[] =>
  [...tree.files.keys()].filter((name) => !isConfiguration(name) && !/\.(hcl|sh|ps[md]?1)$/.test(name));

/** Roles are found wherever a directory of that name is, because on the machine they lie elsewhere. */
const rolesIn = (names: readonly string[]): string[] => [
  ...new Set(names.flatMap((name) => /^(.*?\/)?roles(?=\/)/.exec(name)?.[0] ?? [])),
];

const environmentOf = (root: string, roles: readonly string[]): NodeJS.ProcessEnv => ({
  ...process.env,
  ANSIBLE_ROLES_PATH: roles.map((directory) => join(root, directory)).join(':'),
  ANSIBLE_LOCALHOST_WARNING: 'False',
  ANSIBLE_INVENTORY_UNPARSED_WARNING: 'False',
  ANSIBLE_NOCOLOR: 'True',
  NO_COLOR: '1',
});
