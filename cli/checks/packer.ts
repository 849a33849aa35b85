/** `packer fmt -check` for the factory, and `packer validate` for everything that Packer would be told. */
import { dirname } from 'node:path';
import { isConfiguration } from '../../core/configuration/factory.ts';
import { problem, shown, type Problem } from '../../core/configuration/documents/problems.ts';
import { findPacker, packerCommand } from '../../tools/packer.ts';
import type { Bake, Variables } from '../../core/templates/bakes.ts';
import { type Check, notChecked, OK, type Result, resultOf, unmade, type Work } from './check.ts';
import type { FactoryTree } from './factory-tree.ts';
import { ownNames, templateFiles } from '../../core/templates/laid-over.ts';
import { broke, type Ended, runTool } from './run-tool.ts';
import { isSharedByAll } from './scopes.ts';
import { nameInRepository } from '../../core/configuration/packer-directory.ts';
import { isFilledIn } from '../../core/templates/adopted/adopted.ts';
import type { BakedTemplate } from '../../core/templates/check.ts';
import { stated } from '../../core/templates/variables.ts';
import { WRONG_CONFIGURATION, WRONG_TEMPLATE } from './templates.ts';

export type FoundPacker = NonNullable<Awaited<ReturnType<typeof findPacker>>>;

const PACKER_IS_MISSING = `Packer 1.11 or newer is missing: install it (developer.hashicorp.com/packer/install), or let \`${packerCommand()}\` build it`;

export function formatCheck(
  tree: FactoryTree,
  packer: FoundPacker | undefined,
  files: readonly string[],
): Check {
  if (packer === undefined) return unmade('packer fmt', PACKER_IS_MISSING);
  const templates = files.filter((name) => /\.pkr(vars)?\.hcl$/.test(name));
  const work: Work = {
    dependsOn: ['packer fmt', packer.identity, tree.content(templates)],
    run: async () => {
      const cwd = await tree.root();
      const args = ['fmt', '-check', '-diff', '-recursive', cwd];
      const ended = await runTool(packer.command, args, { cwd, env: environmentOf(packer) });
      const found = unformatted(await tree.named(ended.stdout)).filter(({ file }) =>
        templates.includes(file),
      );
      if (found.length > 0) return resultOf(found);
      // 3: something is not formatted, in files that nobody asked for.
      return ended.status === 0 || ended.status === 3 ? OK : notChecked(broke('packer fmt', ended));
    },
  };
  return { check: 'packer fmt', image: null, stage: null, work: [work] };
}

/** Every file in a diff, at the first line that differs. */
function unformatted(diff: string): Problem[] {
  return [...diff.matchAll(/^\+\+\+ new\/+(.+)\n@@ -(\d+)(?:.*\n)( .*\n)*/gm)].map(
    ([hunk, file = '', line = '1']) => {
      const same = hunk.split('\n').slice(2, -1).length;
      return problem(
        file,
        Number(line) + same,
        [],
        'is not formatted: `packer fmt -recursive` in the factory does it',
      );
    },
  );
}

export async function validateChecks(
  tree: FactoryTree,
  packer: FoundPacker | undefined,
  bakes: readonly Bake[],
): Promise<Check[]> {
  const shared = sharedContent(tree);
  const checks = bakes.map(async ({ image, stage, variables }): Promise<Check> => {
    const of = { image, stage };
    const baked = await tree.template(image);
    const { template, problems, adopted } = baked;
    // Where a file is no HCL Packer says it better; where there is none, or none can be laid over another, it has nothing to read.
    if (problems.length > template.problems.length) return unmade('packer validate', WRONG_TEMPLATE, of);
    if (packer === undefined) return unmade('packer validate', PACKER_IS_MISSING, of);
    if (variables === undefined) return unmade('packer validate', WRONG_CONFIGURATION, of);
    const content = [shared, adopted?.sha256 ?? '', ...imageContent(tree, baked)];
    return {
      check: 'packer validate',
      ...of,
      work: variables.map((one) => validation(tree, packer, image, content, one, baked)),
    };
  });
  return Promise.all(checks);
}

/** What the HCL of every image may read. */
const sharedContent = (tree: FactoryTree): string =>
  tree.content([...tree.files.keys()].filter((name) => isSharedByAll(name) && !isConfiguration(name)));

/** The files of the image and of its template, those of others that their HCL names, and the names of all the rest. */
function imageContent(tree: FactoryTree, { laidOver }: BakedTemplate): string[] {
  const hcl = templateFiles(laidOver)
    .map((file) => tree.text(file))
    .join('\n');
  const baked = new Set(laidOver.files.values());
  const names = [...tree.files.keys()].filter((name) => !isSharedByAll(name) && !isConfiguration(name));
  const isRead = (name: string): boolean => baked.has(name) || hcl.includes(name.split('/')[1] ?? '');
  return [tree.content(names.filter(isRead)), ...names.filter((name) => !isRead(name)).toSorted()];
}

function validation(
  tree: FactoryTree,
  packer: FoundPacker,
  image: string,
  content: readonly string[],
  variables: Variables,
  baked: BakedTemplate,
): Work {
  const { variables: declared } = baked.template;
  // A secret of which the template has a default need not be made up.
  const names = Object.keys(variables.values).filter(
    (name) => !variables.secrets.has(name) || declared.some((one) => one.name === name && !one.default),
  );
  const told = names.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(variables.values[name])}`);
  return {
    dependsOn: ['packer validate', packer.identity, image, content, told],
    run: async () => {
      // One variable per line, because Packer says which line is wrong.
      const file = await tree.beside('variables.json', `{\n${told.join(',\n')}\n}\n`);
      const asked = adoptedArguments(baked);
      const args = ['validate', '-no-warn-undeclared-var', ...asked, `-var-file=${file}`, '.'];
      const cwd = await tree.bakedDirectory(image);
      const ended = await runTool(packer.command, args, { cwd, env: environmentOf(packer) });
      if (ended.status === 0) return OK;
      const said = diagnostics(await tree.named(`${ended.stderr}\n${ended.stdout}`));
      return validated(said, { ended, tree, image, file, names, variables, baked });
    },
  };
}

function validated(
  said: readonly Diagnostic[],
  {
    ended,
    tree,
    image,
    file,
    names,
    variables,
    baked,
  }: {
    readonly ended: Ended;
    readonly tree: FactoryTree;
    readonly image: string;
    readonly file: string;
    readonly names: readonly string[];
    readonly variables: Variables;
    readonly baked: BakedTemplate;
  },
): Result {
  const unusable = said.find(({ summary }) =>
    /^(Missing plugins|Unsupported Packer Core version)/.test(summary),
  );
  if (unusable !== undefined) {
    const hint =
      unusable.summary === 'Missing plugins'
        ? `: run \`packer init\` in ${pluginsOf(tree, image, baked)}, or \`${packerCommand()}\` for the amazon plugin`
        : '';
    return notChecked(`${unusable.detail.replace(/ Did you run packer init.*$/, '')}${hint}`);
  }
  const secrets = new Set<string>();
  const problems = said.flatMap((one): Problem[] => {
    // The first line of the file is its brace.
    const variable = one.file === file ? names[one.line - 2] : undefined;
    if (variable !== undefined && variables.secrets.has(variable)) {
      secrets.add(variable);
      return [];
    }
    return [
      variable === undefined ? inTemplate(one, baked, image) : ofVariable(variable, one, variables, image),
    ];
  });
  if (problems.length > 0) return resultOf(problems);
  if (secrets.size === 0) return notChecked(broke('packer validate', ended));
  return notChecked(
    `only the bake knows the secret ${[...secrets].join(' and ')}, which the template checks`,
  );
}

/** Where the plugins are asked for: `packer init` does not need the rest. */
function pluginsOf(tree: FactoryTree, image: string, { laidOver }: BakedTemplate): string {
  const file = templateFiles(laidOver).find((one) => tree.text(one).includes('required_plugins'));
  return file === undefined ? `images/${image}` : nameInRepository(dirname(file));
}

/** What Packer is asked besides, of an image that takes a directory as it is. The variables are in a file. */
const adoptedArguments = ({ adopted }: BakedTemplate): string[] =>
  (adopted?.overlay.arguments ?? []).filter((one) => !isFilledIn(one));

function inTemplate(
  { summary, detail, file, line }: Diagnostic,
  { laidOver, adopted }: BakedTemplate,
  image: string,
): Problem {
  if (adopted) {
    const where = file === '' ? { file: `images/${image}`, line: 0 } : adopted.placeOf(file, line);
    return problem(where.file, where.line, [], detail === '' ? summary : `${summary}: ${detail}`);
  }
  const message = ownNames(laidOver, image, detail === '' ? summary : `${summary}: ${detail}`);
  const place =
    file === '' ? `images/${image}` : file.startsWith('images/') ? file : `images/${image}/${file}`;
  return problem(ownNames(laidOver, image, place), line, [], message);
}

function ofVariable(
  name: string,
  { detail }: Diagnostic,
  { values, origin }: Variables,
  image: string,
): Problem {
  const message = `the template of ${image} refuses ${shown(values[name])} for ${name}: ${detail}`;
  const from = origin(name);
  return from === undefined ? problem(`images/${image}`, 0, [name], message) : stated(from, message);
}

interface Diagnostic {
  readonly summary: string;
  readonly detail: string;
  /** As Packer names it; empty when it names none. */
  readonly file: string;
  readonly line: number;
}

/** Packer's errors, without the lines of source that it quotes and the breaks that fit them into a terminal. */
function diagnostics(text: string): Diagnostic[] {
  return text
    .split(/^(?=(?:Error|Warning): )/m)
    .filter((block) => block.startsWith('Error: '))
    .map((block) => {
      const [, summary = '', rest = ''] = /^Error: (.*)\n?([\s\S]*)$/.exec(block) ?? [];
      const [place = '', file = '', line = '0'] =
        /^\s*on (.*?) line (\d+).*:\n(?: +(?:\d+: |\(source).*\n)*/.exec(rest) ?? [];
      const detail = rest.slice(place.length).replace(/\s+/g, ' ').trim();
      return { summary: summary.trim(), detail, file, line: Number(line) };
    });
}

/** Packer without what the shell tells it: the result is that of the files. */
function environmentOf({ environment }: FoundPacker): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !/^(PKR_VAR_|PACKER_LOG|AWS_)/.test(name));
  return { ...Object.fromEntries(kept), CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' };
}
