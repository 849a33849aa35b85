import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Step, saga } from '../../../workflow/machines/saga.ts';

const DONE = 'done';
const UNDONE = 'undone';

/** Steps by number, and for each whether it has an undo. */
const step = (hasUndo: boolean, index: number): Step<string> =>
  hasUndo ? { name: `do ${index}`, undo: `undo ${index}` } : { name: `do ${index}` };
const anySteps = fc.array(fc.boolean(), { maxLength: 12 }).map((undos) => undos.map(step));
const someSteps = anySteps.filter((steps) => steps.length > 0);
const stepsWithOne = someSteps.chain((steps) =>
  fc.nat({ max: steps.length - 1 }).map((failing) => ({ steps, failing })),
);

class Joined {
  readonly first: string;
  readonly onSuccess = new Map<string, string>();
  readonly onFailure = new Map<string, string>();
  readonly onGivingUp = new Map<string, string>();

  constructor(steps: readonly Step<string>[]) {
    this.first = saga(
      steps,
      { done: DONE, undone: UNDONE },
      {
        next: (from, to) => once(this.onSuccess, from, to),
        onFailure: (from, to) => once(this.onFailure, from, to),
        onSkipping: (from, to) => once(this.onFailure, from, to),
        onGivingUp: (from, to) => once(this.onGivingUp, from, to),
      },
    );
  }

  /** The states that run when the ones that fail do, and undos give up where told. */
  run({
    failing,
    givesUp = () => false,
  }: { failing?: string; givesUp?: (undo: string) => boolean } = {}): string[] {
    const path: string[] = [];
    let state: string | undefined = this.first;
    while (state !== undefined) {
      path.push(state);
      if (state === failing) state = this.onFailure.get(state);
      else if (state.startsWith('undo') && givesUp(state)) state = this.onGivingUp.get(state);
      else state = this.onSuccess.get(state);
    }
    return path;
  }
}

function once(joints: Map<string, string>, from: string, to: string): void {
  if (joints.has(from)) throw new Error(`${from} is joined twice`);
  joints.set(from, to);
}

const names = (steps: readonly Step<string>[]) => steps.map(({ name }) => name);
const undosOf = (steps: readonly Step<string>[]) => steps.flatMap(({ undo = [] }) => undo);

describe('a saga', () => {
  it('runs its steps in order and is done', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        expect(new Joined(steps).run()).toEqual([...names(steps), DONE]);
      }),
    );
  });

  it('undoes the step that failed, then those before it, newest first', () => {
    fc.assert(
      fc.property(stepsWithOne, ({ steps, failing }) => {
        const begun = steps.slice(0, failing + 1);
        expect(new Joined(steps).run({ failing: `do ${failing}` })).toEqual([
          ...names(begun),
          ...undosOf(begun).toReversed(),
          UNDONE,
        ]);
      }),
    );
  });

  it('undoes nothing of the steps that never began', () => {
    fc.assert(
      fc.property(stepsWithOne, ({ steps, failing }) => {
        const path = new Joined(steps).run({ failing: `do ${failing}` });
        for (const undo of undosOf(steps.slice(failing + 1))) expect(path).not.toContain(undo);
      }),
    );
  });

  it('goes on undoing when any of its undos gives up', () => {
    fc.assert(
      fc.property(stepsWithOne, fc.func(fc.boolean()), ({ steps, failing }, givesUp) => {
        const joined = new Joined(steps);
        const clean = joined.run({ failing: `do ${failing}` });
        expect(joined.run({ failing: `do ${failing}`, givesUp })).toEqual(clean);
      }),
    );
  });

  it('can fail in every step, and give up in every undo', () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const joined = new Joined(steps);
        expect([...joined.onFailure.keys()].toSorted()).toEqual(names(steps).toSorted());
        expect([...joined.onGivingUp.keys()].toSorted()).toEqual(undosOf(steps).toSorted());
      }),
    );
  });

  it('goes on when a step fails that nothing depends on, and undoes as ever when a later one does', () => {
    const steps = [step(true, 0), { name: 'look', optional: true as const }, step(true, 2)];
    const joined = new Joined(steps);
    expect(joined.run({ failing: 'look' })).toEqual(['do 0', 'look', 'do 2', DONE]);
    expect(joined.run({ failing: 'do 2' })).toEqual(['do 0', 'look', 'do 2', 'undo 2', 'undo 0', UNDONE]);
  });

  it('undoes all that a step became responsible for at once, the newest first', () => {
    const steps = [{ name: 'do 0', undo: ['undo a', 'undo b'] }, step(false, 1)];
    for (const failing of ['do 0', 'do 1'])
      expect(new Joined(steps).run({ failing }).slice(-3)).toEqual(['undo b', 'undo a', UNDONE]);
  });

  it('without steps is done at once', () => {
    expect(new Joined([]).run()).toEqual([DONE]);
  });

  it('without undos ends undone as soon as a step fails', () => {
    const joined = new Joined([step(false, 0), step(false, 1)]);
    expect(joined.run({ failing: 'do 1' })).toEqual(['do 0', 'do 1', UNDONE]);
  });
});
