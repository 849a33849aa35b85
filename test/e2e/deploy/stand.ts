/** What was deployed, as it stands now: read back, and running. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../../../core/contract/targets.ts';
import { LOGIN } from '../factory-files.ts';
import type { Installation } from '../installation.ts';
import type { Moto } from '../moto.ts';
import { answerBakes } from '../release.ts';
import { answerApprovals } from './approver.ts';
import type { Gate } from './gate.ts';
import { Operator } from './operator.ts';
import type { Stand } from './played.ts';
import { type Inventories, inventoriesOf } from './read-back.ts';
import type { TeamRepository } from './repository.ts';
import { runCommandIn } from './run-command.ts';
import { Running } from './running.ts';

export interface StandOptions {
  readonly moto: Moto;
  readonly gate: Gate;
  /** What stands for the API that statuses of commits are set by. */
  readonly provider: string;
  readonly installation: Installation;
  /** What is put there is kept apart from other stands. */
  readonly directory: string;
  /** With something deployed. */
  readonly accounts: readonly string[];
  readonly repository: TeamRepository;
  readonly targets: readonly Target[];
}

export const readBack = async ({ moto, installation, accounts }: StandOptions): Promise<Inventories> =>
  inventoriesOf(moto, join(installation.bin, 'python'), accounts);

/** From now on the gate judges by what was read back. @param after the stand that this one follows */
export async function runDeployed(
  options: StandOptions,
  inventories: Inventories,
  after?: Stand,
): Promise<Stand> {
  const { moto, gate, provider, installation, directory, repository, targets } = options;
  mkdirSync(directory, { recursive: true });
  const running = await Running.start({
    moto,
    gate,
    provider,
    inventories,
    installation,
    made: repository,
    directory,
    runCommand: runCommandIn({ root: installation.root, directory }),
    ...(after && { used: after.running.judge.used }),
  });
  const parts: Stand['parts'] = new Map();
  answerBakes(
    running,
    { root: installation.root, directory, login: LOGIN },
    (target, image) => parts.get(image)?.(target) ?? 'bake',
  );
  const operator = new Operator(gate, repository.repository);
  const answers: Stand['answers'] = new Map();
  answerApprovals({ running, operator, answers });
  return { running, repository, operator, targets, parts, answers };
}
