/** What comes before an image's own transaction, and after it; and where a part of many fails as a whole. */
import type { Baseline, Size } from '../player/baseline.ts';
import { nameOfFault } from '../player/faults.ts';
import type { SandboxFault } from '../sandbox/fault-kinds.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, passes } from './fault-model.ts';
import { lateCall, record } from './recordings.ts';
import { type Category, scenarioOf } from './scenario-of.ts';
import { STOPPED_ENDS } from './stops-and-sweeps.ts';

const PLANNING = /^(Fetch source|Plan releases|Validate templates|Release each tier|Summarise releases)$/;
const WHOLE = { size: 'two', whole: true } as const;

/** From the commit on. */
export async function wholeReleases(baseline: Baseline): Promise<Category[]> {
  const calls = await record(baseline, WHOLE);
  const faults = faultsIn(calls.filter(({ point }) => PLANNING.test(point.state)));
  const scenarios = faults.map((fault) =>
    scenarioOf('from the commit on', {
      ...WHOLE,
      faults: [fault],
      labels: [nameOfFault(fault)],
      ...(passes(fault) && { ends: ['released'] }),
    }),
  );
  return [{ name: 'from the commit on', atLeast: 100, scenarios }];
}

/** Faults of what runs in a Map. */
const faultsInMap = (calls: readonly RecordedCall[], state: string): SandboxFault[] =>
  calls
    .filter(({ point }) => point.state === state && /^(lambda|states):/.test(point.operation))
    .flatMap(({ point }) => (['denied', 'too much'] as const).map((kind) => ({ point, kind })));

/** A Map that fails as a whole. */
export async function failingMaps(baseline: Baseline): Promise<Category[]> {
  const good = await record(baseline, WHOLE);
  const stopped = { size: 'two', stopAfter: lateCall(good), sweepsAtOnce: 1, ends: STOPPED_ENDS } as const;
  const swept = await record(baseline, stopped);
  const ofReleases = ['Bake dev AMIs', 'Bake prod AMIs', 'Release each tier'].flatMap((fragileMap) =>
    faultsInMap(good, fragileMap).map((fault) => ({ ...WHOLE, fragileMap, fault })),
  );
  const ofSweeps = faultsInMap(swept, 'Sweep each release').map((fault) => ({
    ...stopped,
    fragileMap: 'Sweep each release',
    fault,
  }));
  const scenarios = [...ofReleases, ...ofSweeps].map(({ fault, ...rest }) =>
    scenarioOf('a Map fails', { ...rest, faults: [fault], labels: [nameOfFault(fault)] }),
  );
  return [{ name: 'a Map fails', atLeast: 8, scenarios }];
}

/** A batch that fails, beside another one or alone. */
export async function failingBatches(baselines: Readonly<Record<Size, Baseline>>): Promise<Category[]> {
  async function scenariosOf(size: Size) {
    const calls = await record(baselines[size], { size });
    const faults = ['Bake dev AMIs', 'Bake prod AMIs'].flatMap((state) => faultsInMap(calls, state));
    return faults.map((fault) =>
      scenarioOf('a batch fails', {
        size,
        faults: [fault],
        labels: [size, nameOfFault(fault)],
        // The bakes of a batch that only could not answer have made their AMIs, which are looked at.
        ...(fault.kind === 'too much'
          ? { ends: ['released'] as const }
          : { ends: ['rolled back'] as const, blames: 'an account' as const }),
      }),
    );
  }
  const scenarios = [...(await scenariosOf('many')), ...(await scenariosOf('two'))];
  return [{ name: 'a batch fails', atLeast: 4, scenarios }];
}
