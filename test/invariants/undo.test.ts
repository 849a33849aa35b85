import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../core/configuration/configuration.ts';
import type { Parity } from '../../core/contract/comparison.ts';
import { stateGraphSchema } from '../../sandbox/engine/asl.ts';
import { definitionsOf } from '../../workflow/definitions.ts';
import { STAGES, filesOf } from '../fixtures/factories.ts';
import { NO_BUILD_FREE } from '../../core/contract/build-quota.ts';
import { ERRORS } from '../../core/contract/errors.ts';
import { LONGEST_BAKE_MINUTES, MOST_RETRY_WAIT_HOURS } from '../../core/contract/limits.ts';
import { NAMES } from '../../core/contract/names.ts';
import { waitSeconds } from '../../sandbox/engine/retries.ts';
import { SERVICE_ERRORS } from '../../workflow/machines/retries.ts';
import { type Machine, type Sample, allStates, machineOf, samples, stateOf } from '../fixtures/machines.ts';

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html */
const STATES_ERRORS = ['States.ALL', 'States.DataLimitExceeded', 'States.Timeout'];

/** What a Catch of everything looks like: `States.ALL` alone would let one error slip. */
const everythingTo = (state: string) => [
  expect.objectContaining({ ErrorEquals: ['States.DataLimitExceeded'], Next: state }),
  expect.objectContaining({ ErrorEquals: ['States.ALL'], Next: state }),
];

/** Written by hand, so that the computed order has something to be compared with. */
const undoOrder = ({ stages }: Sample) => [
  'Withdraw publication',
  ...stages
    .toReversed()
    .flatMap((stage) => [
      ...(stage === stages[0] ? [] : [`Unshare ${stage} AMIs`]),
      `Deregister ${stage} AMIs`,
    ]),
  'Verify rollback',
];

const forwardOrder = ({ stages, asking, waits }: Sample) => [
  'Resolve source AMIs',
  ...(waits ? ['Take over AMIs'] : []),
  ...stages.flatMap((stage) => [
    ...(asking.includes(stage) ? [`Approve ${stage}`] : []),
    `Bake ${stage} AMIs`,
    ...(stage === stages[0] ? [] : [`Copy ${stage} AMIs`]),
    `Check ${stage} AMIs`,
    `Test ${stage} AMIs`,
  ]),
  'Compare AMIs',
  'Run scanner',
  'Scan AMIs',
  'Apply version tags',
  'Publish release',
  'Announce release',
  'Released',
];

const resultPaths = (machine: Machine, state: string) =>
  stateOf(machine, state).Catch?.map((one) => Object(one).ResultPath);

/** Where a failure leads: the undo of the step, whose effect may have happened, else that of the step before. */
function undoOf(sample: Sample, step: string): string {
  const last = sample.stages.at(-1) ?? '';
  const stage = sample.stages.find((one) => step.split(' ').includes(one));
  /** What a stage gave others is taken back in front of what it made; the first one copies nothing. */
  const undoOfStage = (one: string): string =>
    one === sample.stages[0] ? `Deregister ${one} AMIs` : `Unshare ${one} AMIs`;
  if (step === 'Resolve source AMIs') return 'Verify rollback';
  // A report that could not be made undoes nothing.
  if (step === 'Compare AMIs') return 'Run scanner';
  if (step === 'Run scanner') return 'Scan AMIs';
  if (step === 'Publish release') return 'Withdraw publication';
  if (step === 'Announce release') return 'Released without announcement';
  // What a retry keeps is of every stage; only what fails in a later one leaves the stages before as they are.
  if (sample.waits) {
    const isLater = stage !== undefined && stage !== sample.stages[0] && !step.startsWith('Approve ');
    return isLater ? 'Clear failed stage' : undoOfStage(last);
  }
  // Before a stage is baked there is nothing of it to undo.
  if (stage !== undefined && step.startsWith('Approve '))
    return undoOfStage(sample.stages[sample.stages.indexOf(stage) - 1] ?? '');
  // A bake that failed has shared nothing.
  if (stage !== undefined && step.startsWith('Bake ')) return `Deregister ${stage} AMIs`;
  return undoOfStage(stage ?? last);
}

/** How often it is looked whether somebody retries a release, and whether the attempt before has seen that. */
const WAITS: Readonly<Record<string, number>> = {
  [ERRORS.notRetried]: (MOST_RETRY_WAIT_HOURS * 60) / 5,
  [ERRORS.notHandedOver]: 100,
};

/** Of a step that waits for people: that nobody is asked, and that nobody answered. */
function beforeEverything(sample: Sample, step: string) {
  const stage = sample.asking.find((one) => step === `Approve ${one}`);
  if (stage === undefined) return [];
  return [
    {
      ErrorEquals: [ERRORS.nothingToApprove],
      Next: `Bake ${stage} AMIs`,
      ResultPath: `$.approved['${stage}']`,
    },
    { ErrorEquals: ['States.Timeout'], Next: `No approval of ${stage}`, ResultPath: '$.failure' },
  ];
}

describe.each(samples)('the release of an image in $title', (sample) => {
  const machine = machineOf(sample, NAMES.releaseImageMachine);
  const forward = forwardOrder(sample);
  const undos = undoOrder(sample);

  it('goes through the stages in order, and flips what consumers see last', () => {
    expect(machine.graph.StartAt).toBe(forward[0]);
    for (const [index, step] of forward.slice(0, -1).entries()) {
      expect(stateOf(machine, step).Next, step).toBe(forward[index + 1]);
    }
  });

  it('enters the right undo however a step fails', () => {
    for (const step of forward.slice(0, -1)) {
      expect(stateOf(machine, step).Catch, step).toEqual([
        ...beforeEverything(sample, step),
        ...everythingTo(undoOf(sample, step)),
      ]);
    }
  });

  it('undoes what nobody approved as it undoes what was rejected, and asks nobody twice', () => {
    for (const stage of sample.asking) {
      const unanswered = stateOf(machine, `No approval of ${stage}`);
      expect(unanswered.Next).toBe(undoOf(sample, `Approve ${stage}`));
      expect(unanswered.ResultPath).toBe('$.failure');
      const { Retry = [] } = stateOf(machine, `Approve ${stage}`);
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried).not.toContain('States.Timeout');
      expect(retried).not.toContain(ERRORS.releaseRejected);
    }
  });

  it('clears the stage that failed before it waits, and undoes everything however the wait ends but by a retry', () => {
    if (!sample.waits) return;
    const last = `${sample.stages.length > 1 ? 'Unshare' : 'Deregister'} ${sample.stages.at(-1)} AMIs`;
    expect(stateOf(machine, 'Clear failed stage').Next).toBe('Await retry');
    expect(stateOf(machine, 'Await retry').Next).toBe('Handed over');
    for (const state of ['Clear failed stage', 'Await retry']) {
      expect(stateOf(machine, state).Catch, state).toEqual(everythingTo(last));
      // The first failure stays the one that is told.
      expect(resultPaths(machine, state), state).toEqual([null, null]);
    }
    expect(stateOf(machine, 'Handed over').Type).toBe('Fail');
  });

  it('undoes in exactly the reverse order', () => {
    for (const [index, undo] of undos.slice(0, -1).entries()) {
      expect(stateOf(machine, undo).Next, undo).toBe(undos[index + 1]);
    }
  });

  it('goes on undoing when an undo has been retried and gives up', () => {
    for (const [index, undo] of undos.slice(0, -1).entries()) {
      const { Retry = [], Catch } = stateOf(machine, undo);
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried, undo).toEqual(
        expect.arrayContaining([
          ERRORS.leftoversRemain,
          ERRORS.throttled,
          ERRORS.connectionLost,
          'States.Timeout',
        ]),
      );
      expect(Catch, undo).toEqual(everythingTo(undos[index + 1] ?? ''));
    }
  });

  it('keeps the first error apart from the errors of its undos', () => {
    for (const step of forward.slice(0, -1)) {
      const skipped: Readonly<Record<string, string>> = {
        'Compare AMIs': '$.compared',
        'Run scanner': '$.scannerRun',
      };
      const path = skipped[step] ?? '$.failure';
      expect(resultPaths(machine, step)?.slice(-2), step).toEqual([path, path]);
    }
    for (const undo of undos.slice(0, -1)) {
      const path = `$.undone['${undo}']`;
      expect(resultPaths(machine, undo)).toEqual([path, path]);
      expect(stateOf(machine, undo).ResultPath).toBe(path);
    }
  });

  it('ends badly in a Fail state even when the rollback cannot be verified or announced', () => {
    expect(stateOf(machine, 'Verify rollback').Catch).toEqual(everythingTo('Rollback not verified'));
    expect(stateOf(machine, 'Rollback not verified')).toMatchObject({
      Type: 'Fail',
      Error: 'RollbackIncomplete',
      CausePath: '$.failure.Cause',
    });
    expect(stateOf(machine, 'Announce rollback').Catch).toEqual(everythingTo('Was everything undone?'));
  });

  it('is released in one way only', () => {
    const successes = Object.entries(machine.graph.States).filter(([, { Type }]) => Type === 'Succeed');
    expect(successes.map(([name]) => name)).toEqual(['Released']);
    // Its AMIs are what a commit status tells.
    expect(successes[0]?.[1]).toMatchObject({ OutputPath: '$.announced' });
  });
});

describe('differences between the AMIs of a release', () => {
  const statesWith = (parity: Parity) => {
    const { factory } = loadConfiguration(filesOf({ stages: STAGES, parity }));
    const found = definitionsOf(factory).find(({ name }) => name === NAMES.releaseImageMachine);
    return stateGraphSchema.parse(found?.definition).States;
  };

  it('undo the release where that is enforced', () => {
    const { 'Compare AMIs': compare } = statesWith('enforce');
    expect(compare?.Catch).toEqual(everythingTo('Deregister prod AMIs'));
    expect(compare?.Next).toBe('Apply version tags');
  });

  it('undo nothing where nobody wants to know: the state leaves SBOMs, and goes on without', () => {
    const { 'Compare AMIs': compare } = statesWith('off');
    expect(compare?.Catch).toEqual(everythingTo('Apply version tags'));
  });
});

describe.each(samples)('going back in $title', (sample) => {
  const machine = machineOf(sample, NAMES.repointMachine);
  const steps = ['Enable AMIs', 'Mark versions', 'Point latest', 'Disable AMIs'];

  it('looks first, then marks before latest moves, disables what nothing shows, and remembers it last', () => {
    expect(machine.graph.StartAt).toBe('Plan repoint');
    expect(stateOf(machine, 'Plan repoint').Next).toBe('Is it only a look?');
    expect(stateOf(machine, 'Is it only a look?').Default).toBe(steps[0]);
    const order = [...steps, 'Record repoint', 'Repointed'];
    for (const [index, step] of order.slice(0, -1).entries())
      expect(stateOf(machine, step).Next, step).toBe(order[index + 1]);
  });

  it('puts everything back however a step fails, and keeps the first error', () => {
    for (const step of steps) {
      expect(stateOf(machine, step).Catch, step).toEqual(everythingTo('Put back versions'));
      expect(resultPaths(machine, step), step).toEqual(['$.failure', '$.failure']);
    }
  });

  it('puts nothing back before it has changed anything, nor after every account has followed', () => {
    expect(stateOf(machine, 'Plan repoint').Catch).toEqual(everythingTo('Not repointed'));
    expect(stateOf(machine, 'Record repoint').Catch).toEqual(everythingTo('Repointed without record'));
    expect(stateOf(machine, 'Repointed without record').Type).toBe('Fail');
  });

  it('tries to put back again and again, and ends badly where that gives up or is not complete', () => {
    const { Retry = [], Catch, Next } = stateOf(machine, 'Put back versions');
    expect(Retry.flatMap(({ ErrorEquals }) => ErrorEquals)).toEqual(
      expect.arrayContaining([
        ERRORS.leftoversRemain,
        ERRORS.notReadyYet,
        ERRORS.throttled,
        ERRORS.connectionLost,
        'States.Timeout',
      ]),
    );
    expect(Catch).toEqual(everythingTo('Putting back not verified'));
    expect(resultPaths(machine, 'Put back versions')).toEqual(['$.unverified', '$.unverified']);
    expect(stateOf(machine, 'Putting back not verified')).toMatchObject({
      Type: 'Fail',
      Error: ERRORS.repointIncomplete,
      CausePath: '$.failure.Cause',
    });
    const verdict = stateOf(machine, Next ?? '');
    expect([Next, verdict.Default]).toEqual(['Was everything put back?', 'Not everything put back']);
    for (const end of ['Everything put back', 'Not everything put back', 'Not repointed'])
      expect(stateOf(machine, end).Type, end).toBe('Fail');
  });

  it('succeeds in two ways only: every account has followed, or it was only a look', () => {
    const successes = Object.entries(machine.graph.States).filter(([, { Type }]) => Type === 'Succeed');
    expect(successes.map(([name]) => name).toSorted()).toEqual(['Looked at', 'Repointed']);
  });
});

describe.each(samples)('the release of everything in $title', (sample) => {
  const machine = machineOf(sample, NAMES.releaseMachine);

  it('keeps the error of a first step even when the input is no object, which has no field to put it in', () => {
    for (const state of ['Fetch source', 'Plan releases', 'Release each tier', 'Summarise releases']) {
      expect(stateOf(machine, state).Catch, state).toEqual(everythingTo('Not released'));
      expect(resultPaths(machine, state), state).toEqual([undefined, undefined]);
    }
    expect(stateOf(machine, 'Not released')).toMatchObject({ ErrorPath: '$.Error', CausePath: '$.Cause' });
  });
});

describe.each(samples)('the errors in $title', (sample) => {
  it('all have known names', () => {
    const known = [...Object.values(ERRORS), ...SERVICE_ERRORS, ...STATES_ERRORS];
    for (const { name, state } of allStates(sample)) {
      const named = [...(state.Retry ?? []), ...(state.Catch ?? [])].flatMap(
        ({ ErrorEquals }) => ErrorEquals,
      );
      expect(
        named.filter((error) => !known.includes(error)),
        name,
      ).toEqual([]);
    }
  });

  it('are caught by every task, so that each bad ending is a state of its own', () => {
    for (const { name, state, machine, inMap } of allStates(sample)) {
      if (state.Type !== 'Task' && (state.Type !== 'Map' || inMap)) continue;
      if (machine.name === NAMES.bakeBatchMachine && state.Type === 'Map') continue;
      expect(state.Catch?.slice(beforeEverything(sample, name).length), `${machine.name}: ${name}`).toEqual(
        everythingTo(state.Catch?.at(-1)?.Next ?? ''),
      );
    }
  });

  it('are never retried for ever, nor by two policies', () => {
    for (const { name, state } of allStates(sample)) {
      const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(new Set(retried).size, name).toBe(retried.length);
      expect(retried, name).not.toContain('States.ALL');
      expect(retried, name).not.toContain('States.TaskFailed');
      for (const { ErrorEquals, MaxAttempts = 3 } of state.Retry ?? []) {
        // A whole bake may be waited for, or the longest test or copy, or somebody; 98 transitions are a quarter of a cent.
        const most = ErrorEquals.includes(NO_BUILD_FREE)
          ? 98
          : ErrorEquals.includes('TestsUnderWay')
            ? 138
            : ErrorEquals.includes('CopiesUnderWay')
              ? 253
              : (WAITS[ErrorEquals[0] ?? ''] ?? 40);
        expect(MaxAttempts, name).toBeLessThanOrEqual(most);
      }
    }
  });

  it('of an account without a free build are waited out for as long as a bake may take, wherever a build is started', () => {
    for (const { name, state } of allStates(sample)) {
      if (state.Resource?.includes(':codebuild:') !== true) continue;
      const retry = state.Retry?.find(({ ErrorEquals }) => ErrorEquals.includes(NO_BUILD_FREE));
      const waits = Array.from({ length: retry?.MaxAttempts ?? 0 }, (_, before) =>
        waitSeconds(retry ?? { ErrorEquals: [] }, before),
      );
      expect(
        waits.reduce((sum, seconds) => sum + seconds, 0),
        name,
      ).toBeGreaterThanOrEqual(LONGEST_BAKE_MINUTES * 60);
      expect(Math.max(...waits), name).toBeLessThanOrEqual(300);
      expect(Object(retry).JitterStrategy, name).toBeUndefined();
    }
  });

  it('of a Lambda function that ran out of time are retried, whichever of the two notices first', () => {
    for (const { name, state } of allStates(sample)) {
      if (!state.Resource?.startsWith('arn:aws:lambda:')) continue;
      const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried, name).toEqual(expect.arrayContaining(['States.Timeout', 'Sandbox.Timedout']));
    }
  });

  it('of a bake that ran out of time are not retried: a build is not safe to repeat', () => {
    for (const { name, state } of allStates(sample)) {
      if (!state.Resource?.includes('.sync')) continue;
      const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried, name).not.toContain('States.Timeout');
    }
  });
});
