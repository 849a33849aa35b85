/** The tests, as a command that Systems Manager runs on the instance. */
import {
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type SSMClient,
  SendCommandCommand,
  paginateListCommandInvocations,
} from '@aws-sdk/client-ssm';
import { hasCode } from '../aws/errors.ts';
import { LONGEST_TEST_MINUTES } from '../contract/limits.ts';
import { TEST_DOCUMENTS, type TestPlan } from '../contract/tests.ts';
import { failingLines, summaryOf } from './script.ts';

/** What nobody terminates ends itself: a shut-down terminates it. */
const ENDS_ITSELF = {
  linux: [
    '#!/usr/bin/env bash',
    `shutdown -P +${LONGEST_TEST_MINUTES + 10} 'This instance has outlived its test.' >/dev/null 2>&1 || :`,
  ],
  windows: [`shutdown.exe /s /t ${(LONGEST_TEST_MINUTES + 10) * 60} | Out-Null`],
} as const;

/** Systems Manager takes no shorter time.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html */
const LEAST_SECONDS = 30;
/** Kept back from the time of a test, to be told which test took it. */
const KEPT_BACK_SECONDS = 60;

/** Whether the agent of an instance has reported, and still does. */
export async function isAgentThere(ssm: SSMClient, instanceId: string): Promise<boolean> {
  const { InstanceInformationList: [agent] = [] } = await ssm.send(
    new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values: [instanceId] }] }),
  );
  return agent?.PingStatus === 'Online';
}

/** The command that runs the tests on an instance, if it was sent; found by the instance, which gets no other. */
export async function findCommand(ssm: SSMClient, instanceId: string): Promise<string | undefined> {
  const pages = await Array.fromAsync(
    paginateListCommandInvocations({ client: ssm }, { InstanceId: instanceId }),
  );
  const sent = pages
    .flatMap((page) => page.CommandInvocations ?? [])
    .toSorted((a, b) => (a.RequestedDateTime?.getTime() ?? 0) - (b.RequestedDateTime?.getTime() ?? 0));
  return sent[0]?.CommandId;
}

/** Sends it; false when the instance cannot take it yet. */
export async function sendCommand(
  ssm: SSMClient,
  instanceId: string,
  { platform, script }: Pick<TestPlan, 'platform' | 'script'>,
  secondsLeft: number,
): Promise<boolean> {
  const seconds = Math.max(LEAST_SECONDS, Math.floor(secondsLeft) - KEPT_BACK_SECONDS);
  try {
    await ssm.send(
      new SendCommandCommand({
        InstanceIds: [instanceId],
        DocumentName: TEST_DOCUMENTS[platform],
        Comment: 'The tests of its AMI',
        TimeoutSeconds: seconds,
        Parameters: {
          commands: [...ENDS_ITSELF[platform], ...script],
          executionTimeout: [String(seconds)],
        },
      }),
    );
    return true;
  } catch (error) {
    if (hasCode(error, 'InvalidInstanceId')) return false;
    throw error;
  }
}

/** What became of a command. */
export interface Ended {
  readonly passed: boolean;
  readonly ran: number;
  readonly why: readonly string[];
  /** All that was printed, as far as Systems Manager keeps it. */
  readonly output: string;
}

/** How a command goes: what it is at, or how it ended.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html */
export async function commandState(
  ssm: SSMClient,
  instanceId: string,
  commandId: string,
): Promise<{ readonly isAt: string } | Ended> {
  try {
    const found = await ssm.send(
      new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }),
    );
    const { Status = 'Pending', StatusDetails = Status } = found;
    if (!ENDS.some((end) => end === Status)) return { isAt: StatusDetails };
    const { StandardOutputContent: printed = '', StandardErrorContent: complained = '' } = found;
    return { ...judged(Status, StatusDetails, printed, complained), output: whole(printed, complained) };
  } catch (error) {
    // Just sent, it may not be there yet.
    if (hasCode(error, 'InvocationDoesNotExist')) return { isAt: 'not to be seen yet' };
    throw error;
  }
}

const ENDS = ['Success', 'Failed', 'Cancelled', 'TimedOut'] as const;

/** A command succeeds when its last line does: that tests were run, and none failed, is what the runner says. */
function judged(status: string, details: string, printed: string, complained: string) {
  const summary = summaryOf(printed);
  const passed = status === 'Success' && summary !== undefined && summary.ran > 0 && summary.failed === 0;
  if (passed) return { passed, ran: summary.ran, why: [] };
  const failing = failingLines(printed);
  if (failing.length > 0) return { passed, ran: summary?.ran ?? 0, why: failing };
  const last = complained.trimEnd().split('\n').at(-1)?.trim() ?? '';
  const at = last === '' ? [] : [`the last that was printed: ${last}`];
  return { passed, ran: summary?.ran ?? 0, why: [`the command ended as ${details}`, ...at] };
}

const whole = (printed: string, complained: string): string =>
  complained === '' ? printed : `${printed}\n--- standard error ---\n${complained}`;
