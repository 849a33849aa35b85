/** The test of one AMI, a step at a time: whoever is called again finds by tag how far it is. */
import type { Instance } from '@aws-sdk/client-ec2';
import { testerClientsFor } from '../aws/clients.ts';
import type { TestPlan, TestResult } from '../contract/tests.ts';
import { commandState, findCommand, isAgentThere, sendCommand } from './command.ts';
import { type UnderTest, endOf, lackingStatus, launch, testInstances } from './instance.ts';
import { waitedSeconds } from './waits.ts';

/** What there is to wait for, or what the test came to, with all that was printed. */
export type Step = { readonly waitsFor: string } | { readonly result: TestResult; readonly output?: string };

/** One step further: to the instance, its checks, its agent, the command, its end. */
export async function goOn(under: UnderTest, plan: TestPlan, attempt: number): Promise<Step> {
  const { ami, how } = under;
  const { ec2, ssm } = testerClientsFor(ami);
  const [instance] = await testInstances(ec2, under);
  const about = {
    imageId: ami.imageId,
    ...(instance?.InstanceId !== undefined && { instanceId: instance.InstanceId }),
    groupIds: (instance?.SecurityGroups ?? []).map(({ GroupId = '' }) => GroupId),
  };
  const secondsLeft = how.timeoutMinutes * 60 - waitedSeconds(attempt);
  const waitFor = (waitsFor: string): Step =>
    secondsLeft > 0
      ? { waitsFor }
      : failed([`${how.timeoutMinutes} minutes were not enough for ${waitsFor}`]);
  if (instance?.InstanceId === undefined)
    return secondsLeft > 0 ? waitFor(await launch(ec2, under)) : waitFor('its instance to be launched');
  const id = instance.InstanceId;
  const commandId = await findCommand(ssm, id);
  if (commandId !== undefined) {
    const state = await commandState(ssm, id, commandId);
    if (!('isAt' in state)) {
      const { output, passed, ran, why } = state;
      return { result: { ...about, passed, ran, why: [...why] }, output };
    }
    if (isThere(instance)) return waitFor(`the tests on ${id}, which are ${state.isAt}`);
  }
  if (!isThere(instance)) return failed([`its instance ${id} is ${endOf(instance)}`]);
  if (instance.State?.Name === 'pending') return waitFor(`${id} to run`);
  const lacking = await lackingStatus(ec2, id);
  if (lacking !== undefined) return waitFor(lacking);
  const agent = `the Systems Manager agent of ${id}, which must reach ssm and ssmmessages`;
  if (!(await isAgentThere(ssm, id))) return waitFor(agent);
  if (secondsLeft <= 0) return waitFor(`the tests on ${id}, which could not begin`);
  return waitFor((await sendCommand(ssm, id, plan, secondsLeft)) ? `the tests on ${id}` : agent);

  function failed(why: string[]): Step {
    return { result: { ...about, passed: false, ran: 0, why } };
  }
}

const isThere = ({ State }: Instance): boolean => State?.Name === 'pending' || State?.Name === 'running';
