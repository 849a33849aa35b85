/** Writes what documentation and editors take from the program: `npm run docs`. A test compares. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { readFactoryDirectory } from '../core/configuration/factory-directory.ts';
import { retentionSchema } from '../core/configuration/retention.ts';
import { loadFactory } from '../core/configuration/factory.ts';
import { NAMES } from '../core/contract/names.ts';
import { stateGraphSchema } from '../sandbox/engine/asl.ts';
import { definitionsOf } from '../workflow/definitions.ts';
import { eventsReference } from './events-reference.ts';
import { jsonSchemas } from './json-schemas.ts';
import { withQuotations } from './quoted.ts';
import { settingsPage } from './settings-reference.ts';
import { type StateMachine, diagramOf, overviewOf, stepTable } from './state-machines.ts';

const ROOT = new URL('..', import.meta.url);

/** Every page that is generated, or of which a part is, by its path in the repository. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const machines = machinesOfThisFactory();
  const transaction = named(machines, NAMES.releaseImageMachine);
  const stages = ownFactory().stages.map(({ name }) => name);
  const sections = new Map([
    ['README.md', new Map([['overview', overviewOf(transaction, stages)]])],
    ['docs/events.md', new Map([['events', eventsReference()]])],
    [
      'docs/how-it-works.md',
      new Map([
        ['picture', diagramOf(transaction, { maps: false })],
        ['steps', stepTable(transaction, { maps: false })],
      ]),
    ],
  ]);
  const pages = new Map([
    ['docs/generated/state-machines.md', stateMachinesPage(machines)],
    ['docs/settings.md', settingsPage()],
  ]);
  for (const path of writtenPages()) {
    const written = readFileSync(new URL(path, ROOT), 'utf8');
    const page = await withQuotations(withSections(written, sections.get(path) ?? new Map()));
    if (page !== written || sections.has(path)) pages.set(path, page);
  }
  const files = new Map([...pages, ...jsonSchemas()]);
  const formattedFiles = [...files].map(async ([path, text]) => [path, await formatted(path, text)] as const);
  return new Map(await Promise.all(formattedFiles));
}

/** The pages that people write. */
export function writtenPages(): string[] {
  const below = readdirSync(new URL('docs', ROOT)).map((name) => `docs/${name}`);
  const top = readdirSync(ROOT);
  return [...top, ...below].filter((path) => path.endsWith('.md') && path !== 'docs/settings.md').sort();
}

const ownFactory = () => loadFactory(readFactoryDirectory(new URL('packer', ROOT).pathname));

/** So that the machines that retire are described too; what is kept does not show in them. */
const RETENTION = { 'linux-base': retentionSchema.parse({}) };

function machinesOfThisFactory(): StateMachine[] {
  return definitionsOf(ownFactory(), { retention: RETENTION }).map(({ name, definition }) => ({
    name,
    graph: stateGraphSchema.parse(definition),
  }));
}

function named(machines: readonly StateMachine[], wanted: string): StateMachine {
  const machine = machines.find(({ name }) => name === wanted);
  if (!machine) throw new Error(`There is no state machine ${wanted}.`);
  return machine;
}

function stateMachinesPage(machines: readonly StateMachine[]): string {
  const inOrder = [
    NAMES.releaseMachine,
    NAMES.releaseImageMachine,
    NAMES.bakeBatchMachine,
    NAMES.sweepMachine,
    NAMES.repointMachine,
    NAMES.inventoryMachine,
    NAMES.retireMachine,
  ].map((name) => named(machines, name));
  const sections = inOrder.map((machine) =>
    [`## ${machine.name}`, diagramOf(machine), stepTable(machine)].join('\n\n'),
  );
  const [example] = inOrder;
  return [
    '<!-- Written by `npm run docs`; changes made here are lost. -->',
    '# The state machines',
    `As they would be deployed for this repository’s own \`packer/factory.yaml\`; another factory has other stages. Solid
arrows follow a success, dotted ones a failure. ${example?.name} starts packleader-release-image, and that starts
packleader-bake-batch. packleader-sweep is started by the end of a release, by the hour, and by hand. packleader-repoint
is started by hand. packleader-inventory and packleader-retire stand only where [retiring](../retiring.md) is switched on;
they are started every 20 minutes, and every day and by hand.`,
    ...sections,
  ].join('\n\n');
}

/**
 * Replaces what stands between `<!-- generated: name -->` and `<!-- end -->`.
 *  @throws Error when a section has no such place, or a place has no such section
 */
export function withSections(page: string, sections: ReadonlyMap<string, string>): string {
  const met = new Set<string>();
  const replaced = page.replace(
    /(<!-- generated: (\S+) -->)[^]*?(<!-- end -->)/g,
    (_all, start: string, name: string, end: string) => {
      const section = sections.get(name);
      if (section === undefined) throw new Error(`Nothing generates the section "${name}".`);
      met.add(name);
      return `${start}\n\n${section}\n\n${end}`;
    },
  );
  for (const name of sections.keys())
    if (!met.has(name)) throw new Error(`There is no place for the section "${name}".`);
  return replaced;
}

async function formatted(path: string, text: string): Promise<string> {
  const options = await resolveConfig(new URL('README.md', ROOT));
  return format(text, { ...options, parser: path.endsWith('.json') ? 'json' : 'markdown' });
}

if (import.meta.main) {
  for (const [path, text] of await generatedFiles()) {
    mkdirSync(new URL('.', new URL(path, ROOT)), { recursive: true });
    writeFileSync(new URL(path, ROOT), text);
    process.stdout.write(`${path}\n`);
  }
}
