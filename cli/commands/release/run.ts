/** `packleader release`: starts a release on the hub, and by default watches it when somebody is looking. */
import type { SFNClient } from '@aws-sdk/client-sfn';
import type { ReleaseRequest } from '../../../core/contract/requests.ts';
import { parseOverrides } from '../../input/arguments.ts';
import { startRelease } from '../../../client/client.ts';
import { HubUnreachable } from '../../../client/errors.ts';
import { callerArn } from '../../../client/hub.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type HubFlags, hubFrom } from '../../input/hub-option.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { type CommandContext, untilInterrupted } from '../../terminal/command-context.ts';
import { watch } from '../watch/run.ts';
import { executionLink } from '../../../core/aws/console-links.ts';

export interface ReleaseOptions extends HubFlags {
  /** None: whatever changed. */
  readonly images: readonly string[];
  readonly ref?: string;
  readonly branch?: string;
  readonly overrides: readonly string[];
  readonly reason?: string;
  readonly key?: string;
  /** By default when somebody is looking. */
  readonly wait?: boolean;
  readonly timeoutMinutes?: number;
  readonly json: boolean;
}

export async function releaseCommand(
  options: ReleaseOptions,
  output: Output,
  context: CommandContext = {},
): Promise<number> {
  const { key, json, wait = output.lively === true } = options;
  const request = requestOf(options);
  const hub = hubFrom(options);
  const { client, clock } = context;
  try {
    const handle = await untilInterrupted(context, async (signal) =>
      startRelease(await signed(request, { hub, client }), {
        ...(hub && { hub }),
        ...(client && { client }),
        ...(clock && { now: clock.now }),
        ...(key !== undefined && { key }),
        signal,
      }),
    );
    if (handle === 'interrupted') return mayRun(output, 'interrupted while starting it');
    if (wait) {
      if (!json) output.print(`${output.paint('bold', handle.name)} started\n`);
      return await watch(handle, { ...options, hub }, output, context);
    }
    if (json) output.print(jsonText({ outcome: 'running', ...handle }));
    else {
      output.print(`${output.paint('bold', handle.name)} started: ${executionLink(handle)}\n`);
      output.print(`  packleader watch ${handle.name}\n`);
    }
    return EXIT.released;
  } catch (error) {
    if (error instanceof HubUnreachable) return mayRun(output, error.message);
    throw error;
  }
}

/** Whether it was started is not known: no reply came. */
function mayRun(output: Output, why: string): number {
  output.complain(
    `${why}; it may have been started all the same. "packleader status" tells; the same --key starts nothing twice\n`,
  );
  return EXIT.unknown;
}

/** With whom AWS knows the caller by. */
async function signed(
  request: ReleaseRequest,
  { hub, client }: { readonly hub: Target | undefined; readonly client: SFNClient | undefined },
): Promise<ReleaseRequest> {
  const startedBy = await callerArn({ ...(client && { client }) }, hub);
  return { ...request, ...(startedBy !== undefined && { startedBy }) };
}

function requestOf({ images, ref, branch, overrides, reason }: ReleaseOptions): ReleaseRequest {
  const parsed = parseOverrides(overrides);
  return {
    ...(images.length > 0 && { images: [...new Set(images)] }),
    ...(ref !== undefined && { ref }),
    ...(branch !== undefined && { branch }),
    ...(parsed && { overrides: parsed }),
    ...(reason !== undefined && { reason }),
  };
}
