/**
 * Stands between everything that runs and AWS. It knows whose every access key is, lets a call through when the policies that were
 * deployed allow it, and brings it where it is answered: to moto, to the builds or to the functions.
 */
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { DescribeImagesCommand, DescribeKeyPairsCommand, DescribeTagsCommand } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import type { Request } from '../../invariants/permissions/evaluate.ts';
import { type Things, requestsOf } from '../../invariants/permissions/requests.ts';
import { type Answer, type Asked, errorAnswer, jsonAnswer } from '../faults/wire/protocols.ts';
import { forward } from '../faults/wire/proxy.ts';
import type { Credentials, Moto } from '../moto.ts';
import { type Recognised, recognised } from './asked.ts';
import { askedBesides, askedOfKeys } from './asked-besides.ts';
import type { Functions } from './functions.ts';
import { type HandOver, ruledSchema } from './hand-over.ts';
import type { Caller, Judge } from './judge.ts';
import { trusts } from './read-back.ts';
import { type RunCommand, commandSchema } from './run-command.ts';
import { portOf } from '../../fixtures/ports.ts';

/** What stands behind it, once it is there. */
export interface Behind {
  readonly moto: Moto;
  readonly judge: Judge;
  readonly functions: Functions;
  readonly handOver: HandOver;
  readonly codeBuild: string;
  readonly runCommand: RunCommand;
}

/** A call that the policies allow, with who makes it and what IAM is asked for it. */
export interface Allowed {
  readonly accountId: string;
  readonly region: string;
  readonly role: string;
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly requests: readonly Request[];
}

const sessionSchema = z.object({ role: z.string(), service: z.string(), source: z.string() });

export class Gate {
  readonly endpoint: string;
  readonly #callers = new Map<string, Caller>();
  #behind: Behind | undefined;
  /** What is refused although it is allowed: the faults that scenarios play. */
  readonly faults = new Set<(call: Allowed) => boolean>();
  /** Who looks on at what is let through. */
  onPassed: (call: Allowed) => void = () => {};

  private constructor(endpoint: string) {
    this.endpoint = endpoint;
  }

  static async start(at = 0): Promise<Gate> {
    const server = createServer((request, response) => void gate.#serve(request, response));
    await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
    server.unref();
    const gate: Gate = new Gate(`http://127.0.0.1:${portOf(server)}`);
    return gate;
  }

  open(behind: Behind): void {
    this.#behind = behind;
  }

  /** A session of a role, for the service that runs something with it: its trust policy must admit that. */
  async session(role: string, service: string, source: string): Promise<Credentials> {
    const { judge } = this.#here();
    const [, , , , accountId = '', name = ''] = role.split(/:(?:role\/)?/);
    const { trust = [] } = judge.roleOf(role) ?? {};
    if (!trusts(trust, service, source, accountId))
      throw new Error(`${role} does not trust ${service} for ${source}.`);
    return this.signIn(accountId, name);
  }

  /** A session of somebody who takes a role on, of what was deployed or of what the documentation has people make. */
  async signIn(accountId: string, role: string): Promise<Credentials> {
    const credentials = await this.#here().moto.assume(accountId, role);
    this.#callers.set(credentials.accessKeyId, { accountId, role });
    return credentials;
  }

  /** @throws Error unless the role may */
  insist(role: string, request: Request): void {
    const [, , , , accountId = '', name = ''] = role.split(/:(?:role\/)?/);
    const why = this.#here().judge.refusal({ accountId, role: name }, [request]);
    if (why !== undefined) throw new Error(`${role}: ${why}`);
  }

  #here(): Behind {
    if (!this.#behind) throw new Error('The gate is not open yet.');
    return this.#behind;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const { method = '', url = '', headers } = request;
    const asked = { method, url, headers, body: Buffer.concat(chunks).toString('latin1') };
    let answer: Answer;
    try {
      answer = await this.#answer(asked);
    } catch (error) {
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#here().judge.refused.push(`${method} ${url}: ${message}`);
      // No error of a server: that would be repeated.
      const service = recognised(asked)?.service === 'ec2' ? 'ec2' : 'sfn';
      answer = errorAnswer(service, named('InternalFailure', message), 400);
    }
    const length = Buffer.byteLength(answer.body);
    response.writeHead(answer.status, {
      ...answer.headers,
      ...(method !== 'HEAD' && { 'content-length': length }),
    });
    response.end(answer.body);
  }

  async #answer(asked: Asked): Promise<Answer> {
    const { moto, judge } = this.#here();
    if (asked.url === '/-/session') {
      const { role, service, source } = sessionSchema.parse(JSON.parse(asked.body));
      return jsonAnswer(await this.session(role, service, source));
    }
    if (asked.url === '/-/event') {
      void this.#here().handOver.ruled(ruledSchema.parse(JSON.parse(asked.body)));
      return jsonAnswer({});
    }
    if (asked.url === '/-/command')
      return jsonAnswer(await this.#here().runCommand(commandSchema.parse(JSON.parse(asked.body))));
    const call = recognised(asked);
    const caller = call && this.#callers.get(call.accessKeyId);
    // The suite itself looks and prepares at moto, and not here: whoever comes must have got a session.
    if (!call || !caller) throw new Error(`Nobody knows who asks for ${call?.service}:${call?.operation}.`);
    const known = { ...call, accountId: caller.accountId };
    const requests = [
      ...requestsOf(known, await thingsFor(moto, known)),
      ...askedBesides(known, judge.inventories),
      ...(await askedOfKeys(known, moto, judge.inventories)),
    ];
    const why = judge.refusal(caller, requests);
    if (why !== undefined) return denied(call, why);
    const allowed = { ...known, role: caller.role, requests };
    if ([...this.faults].some((strikes) => strikes(allowed))) return refusalFor(known);
    const answer = await this.#pass(asked, known);
    this.onPassed(allowed);
    if (call.operation === 'AssumeRole' && answer.status === 200) this.#remember(call, answer);
    return answer;
  }

  async #pass(asked: Asked, call: Recognised): Promise<Answer> {
    const { moto, functions, codeBuild } = this.#here();
    if (call.service === 'codebuild' && BUILDS.includes(call.operation)) return forward(codeBuild, asked);
    if (call.operation === 'GetCallerIdentity' && asked.headers.accept === 'application/json')
      return asJson(await forward(moto.endpoint, asked));
    if (call.service !== 'lambda' || call.operation !== 'Invoke') return forward(moto.endpoint, asked);
    const found = functions.find(String(call.input['FunctionName']));
    if (!found) return errorAnswer('sfn', named('ResourceNotFoundException', 'Function not found'), 404);
    const { payload, failed } = await functions.invoke(found, Buffer.from(asked.body, 'latin1').toString());
    return {
      status: 200,
      headers: { 'content-type': 'application/json', ...(failed && { 'x-amz-function-error': 'Unhandled' }) },
      body: payload,
    };
  }

  #remember({ input }: Omit<Recognised, 'accountId'>, { body }: Answer): void {
    const accessKeyId = /<AccessKeyId>(\w+)</.exec(body.toString())?.[1] ?? '';
    const [, accountId = '', role = ''] =
      /^arn:aws:iam::(\d{12}):role\/(.+)$/.exec(String(input['RoleArn'])) ?? [];
    this.#callers.set(accessKeyId, { accountId, role });
  }
}

/** moto answers in XML, whatever is asked for; STS answers as it is asked to. */
function asJson({ body }: Answer): Answer {
  const Arn = /<Arn>([^<]+)<\/Arn>/.exec(body.toString())?.[1];
  return jsonAnswer({ GetCallerIdentityResponse: { GetCallerIdentityResult: { Arn } } });
}

const BUILDS = ['StartBuild', 'StopBuild', 'BatchGetBuilds', 'ListBuildsForProject'];

const named = (name: string, message: string): Error => Object.assign(new Error(message), { name });

/** Neither a permission nor passing: nothing retries it. */
const refusalFor = ({ service, operation }: Recognised): Answer =>
  errorAnswer(
    service === 'ec2' ? 'ec2' : 'ssm',
    named('OperationNotPermitted', `${service}:${operation} is not possible now.`),
  );

/** As each service words it. */
function denied({ service, operation }: Omit<Recognised, 'accountId'>, why: string): Answer {
  const message = `Not authorized to perform ${service}:${operation}: ${why}`;
  if (service === 'ec2') return errorAnswer('ec2', named('UnauthorizedOperation', message), 403);
  if (service === 's3') return errorAnswer('s3', named('AccessDenied', message), 403);
  if (['sts', 'iam', 'autoscaling'].includes(service))
    return errorAnswer('sts', named('AccessDenied', message), 403);
  return errorAnswer('sfn', named('AccessDeniedException', message), 400);
}

const aboutSchema = z.object({ KeyName: z.string(), KeyPairId: z.string(), ImageId: z.string() }).partial();

/** What the call is about, with its tags, as it is at this moment. */
async function thingsFor(
  moto: Moto,
  { service, operation, accountId, region, input }: Recognised,
): Promise<Things> {
  const launchTemplate = () => {
    throw new Error('Nobody looks for launch templates here.');
  };
  const nothing: Things = {
    tagsOf: () => undefined,
    keyPair: () => undefined,
    snapshotsOf: () => [],
    launchTemplate,
  };
  const isOfInstances = service === 'ssm' && operation === 'SendCommand';
  if ((service !== 'ec2' && !isOfInstances) || /^(Describe(?!SnapshotAttribute)|Get)/.test(operation))
    return nothing;
  const ec2 = await moto.ec2({ accountId, region });
  const { KeyName, KeyPairId, ImageId } = aboutSchema.parse(input);
  const isAboutPair = KeyName !== undefined || KeyPairId !== undefined;
  const { KeyPairs: pairs = [] } = isAboutPair ? await ec2.send(new DescribeKeyPairsCommand({})) : {};
  const { Images: images = [] } =
    ImageId === undefined ? {} : await ec2.send(new DescribeImagesCommand({ ImageIds: [ImageId] }));
  const snapshots = images.flatMap(({ BlockDeviceMappings = [] }) =>
    BlockDeviceMappings.flatMap(({ Ebs }) => Ebs?.SnapshotId ?? []),
  );
  const ids = [...idsIn(input), ...snapshots];
  const { Tags = [] } =
    ids.length === 0
      ? {}
      : await ec2.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: ids }] }));
  const tags = new Map(ids.map((id) => [id, new Map<string, string>()]));
  for (const { ResourceId = '', Key = '', Value = '' } of Tags) tags.get(ResourceId)?.set(Key, Value);
  return {
    tagsOf: (id) => tags.get(id),
    snapshotsOf: () => snapshots,
    launchTemplate,
    keyPair: (name, id) => {
      const found = pairs.find((pair) => pair.KeyName === name || pair.KeyPairId === id);
      const own = (found?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value] as const);
      return found && { keyName: found.KeyName ?? '', tags: new Map(own) };
    },
  };
}

/** Every id of a thing in EC2 that a call names. */
function idsIn(value: unknown): string[] {
  if (typeof value === 'string') return /^(ami|eni|i|sg|snap|vol)-[0-9a-f]+$/.test(value) ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(idsIn);
}
