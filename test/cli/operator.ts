/** The commands that reach into the hub, as a person at a terminal, or a pipe, runs them. */
import { SFNClient } from '@aws-sdk/client-sfn';
import { type AnswerCommandOptions, answerCommand } from '../../cli/commands/approve/run.ts';
import { type CancelCommandOptions, cancelCommand } from '../../cli/commands/cancel/run.ts';
import { type ReleaseOptions, releaseCommand } from '../../cli/commands/release/run.ts';
import { type RetireCommandOptions, retireCommand } from '../../cli/commands/retire/run.ts';
import { whyCommand } from '../../cli/commands/why/run.ts';
import { retryCommand } from '../../cli/commands/retry/run.ts';
import { statusCommand } from '../../cli/commands/status/run.ts';
import { type SweepCommandOptions, sweepCommand } from '../../cli/commands/sweep/run.ts';
import { watchCommand } from '../../cli/commands/watch/run.ts';
import { targetName } from '../../core/contract/targets.ts';
import { snapshotOf } from '../../sandbox/aws/world.ts';
import { HUB } from '../fixtures/accounts.ts';
import type { MadeUpFactory } from '../fixtures/factories.ts';
import { type HubOptions, RELEASE_MACHINE, openHub } from '../fixtures/sandbox/hub.ts';
import { written } from './output.ts';

/** As `--hub` takes it. */
export const HUB_FLAG = targetName(HUB);

/** A hub of two targets, and the commands of its operator; each tells its exit code and what it wrote. */
export async function openOperator(
  options: HubOptions = {},
  images?: MadeUpFactory['images'],
  made?: Partial<MadeUpFactory>,
) {
  const hub = await openHub(options, images, made);
  const context = (signal?: AbortSignal) => ({ ...hub.operator, ...(signal && { signal }) });
  const asked = { json: false, hub: HUB_FLAG };
  return {
    ...hub,
    release: async (
      flags: Partial<ReleaseOptions>,
      { lively = false, signal = undefined as AbortSignal | undefined } = {},
    ) => {
      const { texts, output } = written(lively);
      const released = { ...asked, images: [], overrides: [], ...flags };
      return { exit: await releaseCommand(released, output, context(signal)), ...texts };
    },
    watch: async (
      release: string,
      flags: { json?: boolean; timeoutMinutes?: number } = {},
      signal?: AbortSignal,
    ) => {
      const { texts, output } = written();
      return { exit: await watchCommand(release, { ...asked, ...flags }, output, context(signal)), ...texts };
    },
    status: async (release?: string, flags: { json?: boolean; limit?: number } = {}) => {
      const { texts, output } = written();
      const exit = await statusCommand(release, { ...asked, limit: 10, ...flags }, output, context());
      return { exit, ...texts };
    },
    /** Or rejects; in the name of somebody with another session of the same role, where one is named. */
    answer: async (
      what: 'approve' | 'reject',
      releases: readonly string[],
      { session, ...flags }: Partial<AnswerCommandOptions> & { readonly session?: string } = {},
    ) => {
      const { texts, output } = written();
      const { accountId, region } = HUB;
      const credentials = hub.sandbox.issue(accountId, 'operator', session ?? 'somebody');
      const client = new SFNClient({ region, credentials });
      const said = { ...asked, reason: 'tested in dev', ...flags };
      const exit = await answerCommand(what, releases, said, output, { ...context(), client });
      return { exit, ...texts };
    },
    retry: async (release: string, flags: { json?: boolean } = {}) => {
      const { texts, output } = written();
      return { exit: await retryCommand(release, { ...asked, ...flags }, output, context()), ...texts };
    },
    sweep: async (release?: string, flags: Partial<SweepCommandOptions> = {}, signal?: AbortSignal) => {
      const { texts, output } = written();
      const swept = { ...asked, dryRun: false, ...flags };
      const exit = await sweepCommand(release, swept, output, context(signal));
      return { exit, out: texts.out, err: texts.err };
    },
    retire: async (flags: Partial<RetireCommandOptions> = {}) => {
      const { texts, output } = written();
      const exit = await retireCommand({ ...asked, dryRun: false, ...flags }, output, context());
      return { exit, out: texts.out, err: texts.err };
    },
    why: async (ami: string, flags: { json?: boolean } = {}) => {
      const { texts, output } = written();
      const exit = await whyCommand(ami, { ...asked, ...flags }, output, context());
      return { exit, out: texts.out, err: texts.err };
    },
    cancel: async (release: string, flags: Partial<CancelCommandOptions> = {}) => {
      const { texts, output } = written();
      const exit = await cancelCommand(release, { ...asked, ...flags }, output, context());
      return { exit, out: texts.out, err: texts.err };
    },
  };
}

/** A hub whose operator may do no more than the documentation of `sweep` and `cancel` says, and its world. */
export async function openSweeper({
  images,
  allows = 'StartExecution|StopExecution|GetExecutionHistory',
}: { readonly images?: Readonly<Record<string, string>>; readonly allows?: string } = {}) {
  const hub = await openOperator({ allows: new RegExp(`^sfn:(${allows})$`) }, images);
  const world = () => snapshotOf(hub.sandbox.world);
  return {
    ...hub,
    before: world(),
    world,
    start: (name = 'first') => hub.engine.start(RELEASE_MACHINE, name, {}),
  };
}
