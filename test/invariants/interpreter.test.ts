import { describe, expect, it } from 'vitest';
import { allStates, samples } from '../fixtures/machines.ts';

/** Every key and value of a definition, however deep. */
function* entries(value: unknown): Generator<readonly [string, unknown]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield [key, inner];
    yield* entries(inner);
  }
}

const INTRINSICS = ['States.ArrayGetItem', 'States.Format', 'States.Hash', 'States.JsonToString'];
const CONTEXT = [
  '$$.Map.Item.Value',
  '$$.Execution.Id',
  '$$.Execution.Input',
  '$$.Execution.Name',
  '$$.Execution.RedriveCount',
  '$$.Execution.StartTime',
  '$$.State.EnteredTime',
  '$$.State.RetryCount',
  '$$.Task.Token',
];

/** What the rehearsal's interpreter does not do, or does otherwise than Step Functions. */
describe.each(samples)('nothing in $title is beyond the local interpreter:', (sample) => {
  const all = sample.machines.flatMap(({ graph }) => [...entries(graph)]);
  const valuesOf = (...keys: readonly string[]) =>
    all.filter(([key]) => keys.includes(key)).map(([, value]) => value);
  const texts = all.map(([, value]) => value).filter((value) => typeof value === 'string');

  it('IsPresent and IsNull are never asked to be false', () => {
    expect(valuesOf('IsPresent', 'IsNull')).not.toContain(false);
  });

  it('the whole document is replaced by leaving ResultPath out, never by "$", which it takes for a field', () => {
    expect(valuesOf('ResultPath')).not.toContain('$');
  });

  it('no JSONata', () => {
    expect(valuesOf('QueryLanguage', 'Arguments', 'Output', 'Condition', 'Items')).toEqual([]);
    expect(texts.filter((text) => text.includes('{%'))).toEqual([]);
  });

  it('no variables', () => {
    expect(valuesOf('Assign')).toEqual([]);
  });

  it('no distributed Map', () => {
    expect(valuesOf('Mode').filter((mode) => mode !== 'INLINE')).toEqual([]);
    const distributed = ['ItemReader', 'ItemBatcher', 'ResultWriter', 'ToleratedFailurePercentage'];
    expect(valuesOf(...distributed, 'ToleratedFailureCount', 'ToleratedFailurePercentagePath')).toEqual([]);
  });

  it('no heartbeats, and no time limit or concurrency that is read from the document', () => {
    expect(valuesOf('HeartbeatSeconds', 'HeartbeatSecondsPath')).toEqual([]);
    expect(valuesOf('TimeoutSecondsPath', 'MaxConcurrencyPath')).toEqual([]);
  });

  it('only the intrinsic functions and the context that the engine knows', () => {
    const intrinsics = texts.flatMap((text) => text.match(/States\.\w+(?=\()/g) ?? []);
    expect([...new Set(intrinsics)].filter((name) => !INTRINSICS.includes(name))).toEqual([]);
    const context = texts.flatMap((text) => text.match(/\$\$[\w.]+/g) ?? []);
    expect(
      [...new Set(context)]
        .map((path) => path.replace(/(\.Item\.Value)\..*/, '$1'))
        .filter((path) => !CONTEXT.includes(path)),
    ).toEqual([]);
  });

  it('only the services that the sandbox has', () => {
    const tasks = allStates(sample).filter(({ state }) => state.Type === 'Task');
    const resources = tasks.map(({ state }) => (state.Resource ?? '').replace(/function:.*/, 'function'));
    expect([...new Set(resources)].toSorted()).toEqual([
      'arn:aws:lambda:eu-west-1:999999999999:function',
      'arn:aws:states:::codebuild:startBuild.sync',
      ...(sample.asking.length > 0 ? ['arn:aws:states:::lambda:invoke.waitForTaskToken'] : []),
      'arn:aws:states:::states:startExecution.sync:2',
    ]);
  });

  it('no reference to something that only a deployment knows', () => {
    expect(texts.filter((text) => text.includes('${'))).toEqual([]);
  });
});
