import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { targetsIn } from '../../fixtures/accounts.ts';
import { rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';

/** The stage that fails bakes for another region than the hub's. */
const factory = { stages: { dev: targetsIn(0, 1), prod: targetsIn(1, 1, 'eu-central-1') } };
const PROD_FAILS: Fault = { state: 'Bake prod AMIs', kind: 'failed' };

/** What people see of a rollback: the cause of the transaction, the event, and the cause of the whole execution. */
async function toldAfter(...faults: Fault[]) {
  const sandboxes: Sandbox[] = [];
  const report = await rehearseFactory(factory, { faults, prepare: (made) => void sandboxes.push(made) });
  const event = sandboxes[0]?.world.events.find(({ detailType }) => detailType === 'Image Rolled Back');
  const detail = z.object({ cause: z.string(), error: z.string() }).parse(event?.detail);
  return { cause: report.releases[0]?.error?.cause ?? '', event: detail };
}

const BUILD =
  /^BakeFailed: 100001000001\/eu-central-1: build (packleader-bake:([0-9a-f-]{36})) ended FAILED in BUILD: (.+)\. Log, in account 100001000001: (.+)$/;

describe('a rollback explains itself', () => {
  test('in its first line: the account, the build, the last lines of Packer that matter, the log', async () => {
    const { cause } = await toldAfter(PROD_FAILS);
    const [first = ''] = cause.split('\n');
    const [, , stream, why, link] = BUILD.exec(first) ?? [];
    expect(why).toBe(
      'made to fail, to see what happens then | Script exited with non-zero exit status: 1. Allowed exit codes are: [0]',
    );
    // CodeBuild runs in the hub's region, whatever region it bakes for.
    expect(link).toBe(
      `https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Fpackleader$252Fpackleader-bake/log-events/${stream}`,
    );
  });

  test('then with what was undone', async () => {
    const { cause } = await toldAfter(PROD_FAILS);
    expect(cause.split('\n').slice(1)).toEqual([
      'Deregister prod AMIs: done.',
      'Deregister dev AMIs: done.',
      'Nothing of base@1.4.20261121093000 is left in any account.',
    ]);
  });

  test('then with what is left, and the command that finishes it', async () => {
    const { cause, event } = await toldAfter(PROD_FAILS, { state: 'Deregister dev AMIs', kind: 'refused' });
    const lines = cause.split('\n').slice(1);
    expect(lines.slice(0, 3)).toEqual([
      'Deregister prod AMIs: done.',
      'Deregister dev AMIs: gave up with LeftoversRemain.',
      'Left behind:',
    ]);
    expect(lines[3]).toMatch(/^ {2}100000000001\/eu-west-1 ami-[0-9a-f]+: UnauthorizedOperation/);
    expect(lines.at(-1)).toBe('Mend what is named there, then run: packleader sweep');
    expect(event.error).toBe('RollbackIncomplete');
  });

  test('with the same words in the event as in the execution', async () => {
    const { cause, event } = await toldAfter(PROD_FAILS);
    expect(event.cause).toBe(cause);
  });

  test('of a build that hung, too, though nobody could look into its log from inside', async () => {
    const { cause } = await toldAfter({ state: 'Bake prod AMIs', kind: 'timeout' });
    expect(cause).toMatch(
      /^BakeFailed: 100001000001\/eu-central-1: build \S+ ended TIMED_OUT in BUILD: .+ Log, in account/,
    );
  });
});
