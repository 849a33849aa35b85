/** Run Command of Systems Manager: agents that report, and made-up ends of the tests that they are sent. */
import type {
  CommandInvocation,
  DescribeInstanceInformationCommandInput,
  DescribeInstanceInformationCommandOutput,
  GetCommandInvocationCommandInput,
  GetCommandInvocationCommandOutput,
  ListCommandInvocationsCommandInput,
  ListCommandInvocationsCommandOutput,
  SendCommandCommandInput,
  SendCommandCommandOutput,
} from '@aws-sdk/client-ssm';
import type { Context, Output } from './context.ts';
import { awsError } from './errors.ts';
import { type Command, type Instance, instanceState } from './world.ts';

/** How long an agent takes to report after a launch. */
const AGENT_MS = 150_000;
/** How long after it was sent a command can be seen. */
const SEEN_AFTER_MS = 2_000;
const TAKES_MS = 40_000;

/** The comment of a command whose tests are to fail. */
export const FAILS = 'SANDBOX: fails';

const isThere = (instance: Instance | undefined, now: number): instance is Instance =>
  instance !== undefined &&
  instance.profile !== undefined &&
  instance.silent !== true &&
  instanceState(instance, now) === 'running' &&
  now >= instance.launchedAt + AGENT_MS;

function describeInstanceInformation(
  { place, now }: Context,
  { Filters: filters = [] }: DescribeInstanceInformationCommandInput,
): Output<DescribeInstanceInformationCommandOutput> {
  const ids = filters.find(({ Key: key }) => key === 'InstanceIds')?.Values ?? [];
  return {
    InstanceInformationList: ids
      .filter((id) => isThere(place.instances.get(id), now))
      .map((id) => ({ InstanceId: id, PingStatus: 'Online', LastPingDateTime: new Date(now) })),
  };
}

function sendCommand(context: Context, input: SendCommandCommandInput): Output<SendCommandCommandOutput> {
  const { place, now, world } = context;
  const [instanceId = ''] = input.InstanceIds ?? [];
  const instance = place.instances.get(instanceId);
  if (!isThere(instance, now))
    throw awsError(
      'ssm',
      'InvalidInstanceId',
      `Instances [[${instanceId}]] not in a valid state for account`,
    );
  const command: Command = {
    commandId: world.id(place, 'command').slice('command-'.length),
    instanceId,
    documentName: input.DocumentName ?? '',
    sentAt: now,
    endsAt: now + TAKES_MS,
    ...endOf(input),
  };
  place.commands.set(command.commandId, command);
  return { Command: { CommandId: command.commandId, InstanceIds: [instanceId], Status: 'Pending' } };
}

/** As the runner sums up; the tests are those of the files that it is sent. */
function endOf({
  DocumentName: document,
  Comment: comment,
  Parameters: { commands = [] } = {},
}: SendCommandCommandInput) {
  const isWindows = document === 'AWS-RunPowerShellScript';
  const files = commands.flatMap((line) => {
    const base64 = /(?:base64 -d <<<|FromBase64String\()'([^']*)'/.exec(line)?.[1];
    return base64 === undefined ? [] : [Buffer.from(base64, 'base64').toString()];
  });
  const own = isWindows ? ['Test-WindowsWasGeneralised'] : [];
  const pattern = isWindows ? /^function (Test-\w+)/gim : /^(test_[a-z0-9_]+)\(\) \{$/gm;
  const tests = [
    ...own,
    ...files.flatMap((text) => [...text.matchAll(pattern)].map(([, name = '']) => name)),
  ];
  const [first = '', ...others] = tests;
  const passed = (comment === FAILS ? others : tests).map((test) => `ok      ${test}`);
  const failed =
    comment === FAILS ? [`FAILED  ${first}`, '        made to fail, to see what happens then'] : [];
  return {
    status: failed.length > 0 ? ('Failed' as const) : ('Success' as const),
    printed: [`${tests.length} tests, ${failed.length > 0 ? 1 : 0} failed`, ...failed, ...passed, ''].join(
      '\n',
    ),
  };
}

/** An instance that is gone answers no more, and nobody is told. */
function hasEnded({ place, now }: Context, { endsAt, instanceId }: Command): boolean {
  const instance = place.instances.get(instanceId);
  return now >= endsAt && !(instance?.asked === 'terminate' && instance.askedAt < endsAt);
}

function listCommandInvocations(
  context: Context,
  { InstanceId: id }: ListCommandInvocationsCommandInput,
): Output<ListCommandInvocationsCommandOutput> {
  const seen = [...context.place.commands.values()].filter(
    ({ instanceId, sentAt }) => instanceId === id && context.now >= sentAt + SEEN_AFTER_MS,
  );
  return {
    CommandInvocations: seen.map((command): CommandInvocation => ({
      CommandId: command.commandId,
      InstanceId: command.instanceId,
      DocumentName: command.documentName,
      RequestedDateTime: new Date(command.sentAt),
      Status: hasEnded(context, command) ? command.status : 'InProgress',
    })),
  };
}

function getCommandInvocation(
  context: Context,
  { CommandId: commandId = '', InstanceId: instanceId }: GetCommandInvocationCommandInput,
): Output<GetCommandInvocationCommandOutput> {
  const command = context.place.commands.get(commandId);
  if (
    command === undefined ||
    command.instanceId !== instanceId ||
    context.now < command.sentAt + SEEN_AFTER_MS
  )
    throw awsError('ssm', 'InvocationDoesNotExist', '');
  const ended = hasEnded(context, command);
  const Status = ended ? command.status : ('InProgress' as const);
  return {
    CommandId: commandId,
    InstanceId: instanceId,
    DocumentName: command.documentName,
    Status,
    StatusDetails: Status,
    ResponseCode: ended ? (command.status === 'Success' ? 0 : 1) : -1,
    StandardOutputContent: ended ? command.printed : '',
    StandardErrorContent: '',
  };
}

export const runCommand = {
  DescribeInstanceInformation: describeInstanceInformation,
  GetCommandInvocation: getCommandInvocation,
  ListCommandInvocations: listCommandInvocations,
  SendCommand: sendCommand,
};
