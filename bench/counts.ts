/** Counts what one release of one image costs: calls, state transitions, and how near it comes to AWS's quotas. */
import { configurationFiles } from '../core/configuration/files.ts';
import { checkOutFactory } from '../cli/input/checkout.ts';
import { type Figures, rehearse } from '../sandbox/rehearsal/rehearsal.ts';
import type { Fault } from '../sandbox/rehearsal/faults.ts';
import { type CallSite, currentState } from '../sandbox/engine/call-site.ts';
import { loadConfiguration } from '../core/configuration/configuration.ts';
import { definitionsOf } from '../workflow/definitions.ts';
import { bucketName, NAMES } from '../core/contract/names.ts';
import { stageIn } from '../core/contract/state-names.ts';
import type { ScanAmis } from '../core/contract/vulnerabilities.ts';

export interface Counts extends Omit<Figures, 'calls'> {
  /** By Packer, in the target accounts. */
  readonly packerCalls: number;
  /** By the state machines, the tasks and the build that fetches the source. */
  readonly ownCalls: number;
  /** How often the states that copy AMIs were tried. */
  readonly looks: number;
}

/**
 *  @param directory of a factory
 *  @param fault makes the release roll back; without one it must be released
 *  @param permits what is switched on: what scans what the AMIs hold, and whether they are copied; default: nothing
 *  @throws Error when the release does not end as it should
 */
export async function countRelease(
  directory: string,
  fault?: Fault,
  permits: { readonly scanAmis?: ScanAmis; readonly copyAmis?: true } = {},
): Promise<Counts> {
  const checkout = checkOutFactory(directory);
  const { factory } = loadConfiguration(configurationFiles(checkout.files));
  let packerCalls = 0;
  const looks = new Set<CallSite>();
  const report = await rehearse({
    factory,
    machines: definitionsOf(factory, permits),
    bucket: bucketName(factory),
    checkOut: () => ({
      commit: checkout.commit,
      branch: factory.defaultBranch,
      files: checkout.files,
      changes: {},
    }),
    request: { images: factory.images.map(({ name }) => name) },
    faults: fault ? [fault] : [],
    prepare: (sandbox) => {
      sandbox.intercept(async (call, next) => {
        if (call.role === NAMES.bakeRole) packerCalls += 1;
        const site = currentState();
        if (site && stageIn(site.state, 'copy') !== undefined) looks.add(site);
        return next();
      });
    },
  });
  const expected = fault ? 'rolled back' : 'released';
  if (report.outcome !== expected) throw new Error(`The release was ${report.outcome}, not ${expected}.`);
  const { calls, ...figures } = report.figures;
  return { ...figures, packerCalls, ownCalls: calls - packerCalls, looks: looks.size };
}
