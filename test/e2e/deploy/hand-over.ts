/**
 * Who hands something over in AWS besides the caller: EventBridge, its Scheduler, Lambda's queue of asynchronous invocations, and function
 * URLs. Whether they may is read from what was deployed: roles with their trust, and the policies of functions.
 */
import { randomUUID } from 'node:crypto';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { HUB } from '../../fixtures/accounts.ts';
import type { Moto } from '../moto.ts';
import type { DeployedFunction, Functions, Invoked } from './functions.ts';
import type { Gate } from './gate.ts';
import { askQueue } from './queue.ts';
import type { Inventories } from './read-back.ts';

/** What a rule hands to one of its targets. */
export const ruledSchema = z.object({
  rule: z.string(),
  target: z.string(),
  role: z.string().nullable(),
  input: z.string(),
});
type Ruled = z.infer<typeof ruledSchema>;

/** As it reaches a function URL. */
export interface HttpRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HandOverOptions {
  readonly moto: Moto;
  readonly gate: Gate;
  readonly functions: Functions;
  readonly inventories: Inventories;
}

const answerSchema = z.object({ statusCode: z.number(), body: z.string() });

/** Of an event that a schedule makes, nothing but its time is asked for. */
function timed(
  {
    InputPathsMap,
    InputTemplate,
  }: { InputPathsMap: Readonly<Record<string, string>>; InputTemplate: string },
  at: Date,
): string {
  return InputTemplate.replaceAll(/"?<([\w.-]+)>"?/g, (_, name: string) => {
    if (InputPathsMap[name] !== '$.time')
      throw new Error(`Nothing here finds ${InputPathsMap[name]} in the event of a schedule.`);
    return JSON.stringify(`${at.toISOString().slice(0, 19)}Z`);
  });
}

export class HandOver {
  readonly #options: HandOverOptions;
  /** What could not be handed over, and was meant to be. */
  readonly refused: string[] = [];

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** EventBridge does not tell its sender what came of an event, so nothing is thrown here. */
  async ruled({ rule, target, role, input }: Ruled): Promise<void> {
    try {
      if (target.includes(':stateMachine:')) await this.#start(role ?? '', rule, target, input);
      else await this.#later(this.#admitted(target, 'events', rule), input);
    } catch (error) {
      this.refused.push(`${rule} could not hand over to ${target}: ${String(error)}`);
    }
  }

  /** A rule with a schedule is due. */
  async due(name: RegExp, at = new Date()): Promise<void> {
    const rules = this.#hub().rules.filter((rule) => name.test(rule.name) && rule.pattern === null);
    const [rule] = rules;
    if (!rule || rules.length > 1) throw new Error(`${rules.length} rules with a schedule match ${name}.`);
    for (const { Arn, RoleArn, Input = '{}', InputTransformer } of rule.targets) {
      const input = InputTransformer ? timed(InputTransformer, at) : Input;
      await this.ruled({ rule: rule.arn, target: Arn, role: RoleArn ?? null, input });
    }
  }

  /** A schedule is due: Scheduler fills in the time, takes its role on, and has the function invoked asynchronously. */
  async scheduled(name: string, at: Date): Promise<Invoked> {
    const schedule = this.#hub().schedules.find((one) => one.Name === name);
    if (!schedule) throw new Error(`There is no schedule ${name}.`);
    const { Arn, RoleArn, Input } = schedule.Target;
    const { functions, gate } = this.#options;
    const group = `arn:aws:scheduler:${HUB.region}:${HUB.accountId}:schedule-group/${schedule.GroupName}`;
    await gate.session(RoleArn, 'scheduler', group);
    gate.insist(RoleArn, { action: 'lambda:InvokeFunction', resource: Arn, context: {} });
    const due = `${at.toISOString().slice(0, 19)}Z`;
    const found = functions.find(Arn);
    if (!found) throw new Error(`There is no function ${Arn}.`);
    return this.#later(found, Input.replaceAll('<aws.scheduler.scheduled-time>', due));
  }

  /** Whoever knows the URL asks it. Lambda hands over text as it is. */
  async asked(url: string, { method, headers, body }: HttpRequest): Promise<z.infer<typeof answerSchema>> {
    const of = this.#hub().functions.find((one) => one.url === url);
    if (!of) throw new Error(`No function has the URL ${url}.`);
    for (const action of ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'])
      if (!of.policy.some((one) => one.Action === action && one.Principal === '*'))
        throw new Error(`${of.name} does not let everybody ${action}.`);
    const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
    const event = {
      version: '2.0',
      rawPath: '/',
      rawQueryString: '',
      headers: Object.fromEntries(named),
      requestContext: { http: { method, path: '/', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' } },
      body,
      isBase64Encoded: false,
    };
    const { payload, failed } = await this.#options.functions.invoke(of, JSON.stringify(event));
    // A function that fails is a bad gateway.
    return failed ? { statusCode: 502, body: payload } : answerSchema.parse(JSON.parse(payload));
  }

  #hub() {
    const found = this.#options.inventories.get(HUB.accountId);
    if (!found) throw new Error('There is no hub.');
    return found;
  }

  async #start(role: string, rule: string, stateMachineArn: string, input: string): Promise<void> {
    const { gate } = this.#options;
    const credentials = await gate.session(role, 'events', rule);
    const sfn = new SFNClient({ region: HUB.region, endpoint: gate.endpoint, credentials });
    // EventBridge names it by the event.
    await sfn.send(new StartExecutionCommand({ stateMachineArn, input, name: randomUUID() }));
  }

  /** A function whose own policy lets the service invoke it for one of its resources. */
  #admitted(arn: string, service: string, source: string): DeployedFunction {
    const found = this.#options.functions.find(arn);
    const isFor = (policy: { readonly [key: string]: unknown }) =>
      policy['Action'] === 'lambda:InvokeFunction' &&
      JSON.stringify(policy['Principal']).includes(`"${service}.amazonaws.com"`) &&
      JSON.stringify(policy).includes(`"${source}"`);
    if (!found?.policy.some(isFor))
      throw new Error(`${arn} does not let ${service} invoke it for ${source}.`);
    return found;
  }

  /** Asynchronously: as often as was deployed, and what fails for the last time goes where that was deployed to. */
  async #later(of: DeployedFunction, event: string): Promise<Invoked> {
    const { functions } = this.#options;
    const { retries, onFailure } = of.asynchronously ?? { retries: 2, onFailure: null };
    let invoked = await functions.invoke(of, event);
    for (let again = 0; invoked.failed && again < retries; again++)
      invoked = await functions.invoke(of, event);
    if (invoked.failed && onFailure !== null)
      await this.#keep(of, onFailure, {
        requestPayload: JSON.parse(event),
        responsePayload: JSON.parse(invoked.payload),
      });
    return invoked;
  }

  /** Lambda sends it with the function's role. */
  async #keep({ arn, role }: DeployedFunction, queueArn: string, document: object): Promise<void> {
    const { gate } = this.#options;
    const queue = this.#hub().queues.find((one) => one.arn === queueArn);
    if (!queue) throw new Error(`There is no queue ${queueArn}.`);
    const credentials = await gate.session(role, 'lambda', arn);
    const message = { QueueUrl: queue.url, MessageBody: JSON.stringify(document) };
    await askQueue({ endpoint: gate.endpoint, credentials }, 'SendMessage', message);
  }
}
