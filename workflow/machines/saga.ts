/** A step of a saga, and what undoes it; a step that only reads has no undo. */
export interface Step<State> {
  readonly name: State;
  /** Several where it becomes responsible for several things at once, in the order in which those were made. */
  readonly undo?: State | readonly State[];
  /** A step that nothing depends on: when it fails, the next one follows all the same. */
  readonly optional?: true;
}

/** How a saga is joined to whatever runs it. */
export interface Joints<State> {
  /** After `from` succeeded, `to` follows. */
  readonly next: (from: State, to: State) => void;
  /** When a step fails, for whatever reason, `to` follows. */
  readonly onFailure: (from: State, to: State) => void;
  /** When a step fails that nothing depends on, `to` follows. */
  readonly onSkipping: (from: State, to: State) => void;
  /** When an undo gives up, `to` follows all the same. */
  readonly onGivingUp: (from: State, to: State) => void;
}

/**
 * Joins steps into a saga and returns its first state. A failing step enters its own undo, because its effect may have
 * happened, then the undo of the step before it, and so on back to the first. The order of the undos is computed here and
 * written nowhere else.
 */
export function saga<State>(
  steps: readonly Step<State>[],
  ends: { readonly done: State; readonly undone: State },
  joints: Joints<State>,
): State {
  let following = ends.undone;
  const entry = new Map<Step<State>, State>();
  for (const step of steps) {
    for (const undo of undosOf(step)) {
      joints.next(undo, following);
      joints.onGivingUp(undo, following);
      following = undo;
    }
    entry.set(step, following);
  }
  let next = ends.done;
  for (const step of steps.toReversed()) {
    joints.next(step.name, next);
    if (step.optional) joints.onSkipping(step.name, next);
    else joints.onFailure(step.name, entry.get(step) ?? ends.undone);
    next = step.name;
  }
  return next;
}

function undosOf<State>({ undo }: Step<State>): readonly State[] {
  if (undo === undefined) return [];
  return isList(undo) ? undo : [undo];
}

const isList = <State>(undo: State | readonly State[]): undo is readonly State[] => Array.isArray(undo);
