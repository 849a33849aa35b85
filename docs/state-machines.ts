/** Draws and lists a state machine from its definition, as it would be deployed. */
import { type State, type StateGraph, statesOf } from '../sandbox/engine/asl.ts';

/** A definition and the name it would be deployed under. */
export interface StateMachine {
  readonly name: string;
  readonly graph: StateGraph;
}

// ---------------------------------------------------------------------------------------------- the picture

/**
 * A Mermaid flowchart: solid arrows for what follows a success, dotted ones for what follows a failure. A Map is a box
 * around what it does with each item, unless only the top of the graph is asked for.
 */
export function diagramOf({ graph }: StateMachine, { maps = true } = {}): string {
  const nodes = new Map(statesOf(graph).map(({ name }, index) => [name, `s${index}`]));
  const id = (name: string): string => nodes.get(name) ?? '';
  const lines = [
    'flowchart TD',
    ...boxes(graph, id, maps).map((line) => `  ${line}`),
    ...statesOf(graph)
      .filter(({ inMap }) => maps || !inMap)
      .flatMap(({ name, state }) => arrows(state, id).map((arrow) => `  ${id(name)} ${arrow}`)),
    ...classes(graph, id, maps).map((line) => `  ${line}`),
  ];
  return ['```mermaid', ...lines, '```'].join('\n');
}

/**
 * The same in a few boxes, for who sees it for the first time: one for each stage, the publication, and one for all that is undone.
 *  @throws Error when an end that is drawn is none of the machine's
 */
export function overviewOf({ graph }: StateMachine, stages: readonly string[]): string {
  const end = (name: string): string => {
    if (graph.States[name] === undefined) throw new Error(`${name} is no state of the machine.`);
    return name;
  };
  const steps = [
    ...stages.map((stage) => `"${stage}<br>bake and check, in every account"`),
    '"publish<br>one version, in every account"',
  ];
  const last = `s${steps.length - 1}`;
  const lines = [
    'flowchart LR',
    'commit(["one commit"]) --> s0',
    ...steps.map((text, index) => `s${index}[${text}]`),
    ...steps.slice(1).map((_, index) => `s${index} --> s${index + 1}`),
    `${last} --> released(["${end('Released')}"])`,
    ...steps.map((_, index) => `s${index} -. fails .-> undo`),
    'undo["undo, in reverse order,<br>then look into every account"]',
    `undo --> back(["${end('Rolled back')}<br>nothing is left anywhere"])`,
    `undo -. gives up .-> incomplete(["${end('Rollback incomplete')}<br>names what is left"])`,
    'classDef good stroke:#2e7d32,stroke-width:2px',
    'class released good',
    'classDef bad stroke:#c62828,stroke-width:2px',
    'class back,incomplete bad',
    'classDef undo stroke:#ef6c00,stroke-width:2px',
    'class undo undo',
  ];
  return ['```mermaid', lines[0], ...lines.slice(1).map((line) => `  ${line}`), '```'].join('\n');
}

function boxes(graph: StateGraph, id: (name: string) => string, maps: boolean): string[] {
  return Object.entries(graph.States).flatMap(([name, state]) => {
    if (!state.ItemProcessor || !maps) return [`${id(name)}${shape(name, state)}`];
    const inner = boxes(state.ItemProcessor, id, maps).map((line) => `  ${line}`);
    return [`subgraph ${id(name)}["${name} (for each)"]`, ...inner, 'end'];
  });
}

function shape(name: string, { Type, ItemProcessor }: State): string {
  if (Type === 'Choice') return `{"${name}"}`;
  if (Type === 'Succeed' || Type === 'Fail') return `(["${name}"])`;
  return ItemProcessor ? `[["${name}"]]` : `["${name}"]`;
}

function arrows({ Next, Choices = [], Default, Catch = [] }: State, id: (name: string) => string): string[] {
  const after = [Next, ...Choices.map((choice) => choice.Next)].filter((next) => next !== undefined);
  // An undo goes on to the same state whether it succeeds or gives up.
  const failing = new Set(Catch.map((catcher) => catcher.Next).filter((next) => !after.includes(next)));
  return [
    ...after.map((next) => `${Choices.length > 0 ? '-->|yes|' : '-->'} ${id(next)}`),
    ...(Default === undefined ? [] : [`-->|no| ${id(Default)}`]),
    ...[...failing].map((next) => `-.-> ${id(next)}`),
  ];
}

function classes(graph: StateGraph, id: (name: string) => string, maps: boolean): string[] {
  const shown = statesOf(graph).filter(({ inMap }) => maps || !inMap);
  const of = (names: readonly string[]) => names.map(id).join(',');
  const good = shown.filter(({ state }) => state.Type === 'Succeed').map(({ name }) => name);
  const bad = shown.filter(({ state }) => state.Type === 'Fail').map(({ name }) => name);
  const undo = undosOf(graph);
  return [
    ...(good.length > 0 ? ['classDef good stroke:#2e7d32,stroke-width:2px', `class ${of(good)} good`] : []),
    ...(bad.length > 0 ? ['classDef bad stroke:#c62828,stroke-width:2px', `class ${of(bad)} bad`] : []),
    ...(undo.length > 0 ? ['classDef undo stroke:#ef6c00,stroke-width:2px', `class ${of(undo)} undo`] : []),
  ];
}

// ---------------------------------------------------------------------------------------------- the table

/**
 * A Markdown table: each state, why it is there, the file that does it, and the undo that a failure of it enters. What a
 * Map does with each item is listed below it, unless only the top of the graph is asked for.
 */
export function stepTable({ graph }: StateMachine, { maps = true } = {}): string {
  const undos = undosOf(graph);
  const rows = statesOf(graph)
    .filter(({ inMap }) => maps || !inMap)
    .map(({ name, inMap, state }) =>
      [
        inMap ? `↳ ${name}` : name,
        state.Comment ?? '',
        fileOf(state, maps),
        undoOf(state, undos, undos.includes(name)),
      ].join(' | '),
    );
  return ['| State | What it is for | Done by | Undo, when it fails |', '| --- | --- | --- | --- |']
    .concat(rows.map((row) => `| ${row} |`))
    .join('\n');
}

/** The states that a failure leads to and that go on to the same state whether they succeed or give up. */
function undosOf(graph: StateGraph): string[] {
  const states = Object.entries(graph.States);
  const entered = new Set(
    states.filter(([, state]) => !goesOn(state)).flatMap(([, { Catch = [] }]) => Catch.map((to) => to.Next)),
  );
  return states.filter(([name, state]) => goesOn(state) && entered.has(name)).map(([name]) => name);
}

/** Whether the same state follows a success and a failure. */
const goesOn = ({ Next, Catch = [] }: State): boolean => Catch.some((catcher) => catcher.Next === Next);

function fileOf(state: State, maps: boolean): string {
  const [inner] = Object.values(state.ItemProcessor?.States ?? {});
  if (inner) return maps ? '' : fileOf(inner, maps);
  const { Resource = '', Parameters } = state;
  const parameter = (name: string) => String(Reflect.get(Object(Parameters), name));
  const task = /:function:packleader-(.+)$/.exec(Resource)?.[1];
  if (task !== undefined) return `\`tasks/${task}.ts\``;
  if (Resource.endsWith(':codebuild:startBuild.sync'))
    return `\`buildspecs/${parameter('ProjectName').replace(/^packleader-/, '')}.yml\``;
  if (Resource.endsWith(':states:startExecution.sync:2'))
    return `the machine \`${parameter('StateMachineArn').replace(/^.*:stateMachine:/, '')}\``;
  return '';
}

function undoOf({ Type, Catch = [] }: State, undos: readonly string[], isUndo: boolean): string {
  const [to] = Catch.map((catcher) => catcher.Next);
  if (isUndo) return `an undo itself; then ${to}, even when it gives up`;
  if (to !== undefined) return undos.includes(to) ? to : `none; ${to} follows`;
  return Type === 'Task' ? 'none; the execution fails' : '';
}
