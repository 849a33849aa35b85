/**
 * AWS as one test expects it: a call it does not expect rejects, and fails the test even when the task swallows that.
 * Each call is told with the account whose steward made it, so that a call in the wrong account is an unexpected one.
 */
import { AutoScalingClient } from '@aws-sdk/client-auto-scaling';
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EC2Client } from '@aws-sdk/client-ec2';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { SSMClient } from '@aws-sdk/client-ssm';
import { type AwsCommand, mockClient } from 'aws-sdk-client-mock';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, expect } from 'vitest';
import { forgetClients } from '../../core/aws/clients.ts';
import { NAMES, roleArn } from '../../core/contract/names.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';

export const DEV: Target = { accountId: '111111111111', region: 'eu-west-1' };
export const PROD: Target = { accountId: '222222222222', region: 'us-east-1' };

const HUB_REGION = 'eu-central-1';
/** Where CodeBuild runs the builds of a target: its account, the hub's region. */
export const builds = ({ accountId }: Target): Target => ({ accountId, region: HUB_REGION });
/** The hub's own buckets, bus and executions, without any steward. */
export const HUB = 'hub';
export type Where = Target | typeof HUB;

export interface Call {
  readonly where: string;
  readonly command: string;
  readonly input: unknown;
}

type Metadata = { $metadata: object };
type Reply<Output> = Omit<Partial<Output>, '$metadata'> | Error;

interface Expected {
  readonly call: Call;
  readonly replies: unknown[];
}

/** A call as it is recorded; its input is a copy without undefined fields. */
export function call(where: Where, command: { readonly input: unknown }): Call {
  return {
    where: where === HUB ? HUB : targetName(where),
    command: command.constructor.name.replace(/Command$/, ''),
    input: JSON.parse(JSON.stringify(command.input)),
  };
}

/** An error as the SDK throws it: its name is AWS's code. */
export function awsError(code: string, message = `AWS says ${code}`): Error {
  return Object.assign(new Error(message), { name: code });
}

export class Aws {
  /** What was sent, in order. */
  sent: Call[] = [];
  unexpected: Call[] = [];
  /** The accounts whose steward role was assumed, in order. */
  stewards: string[] = [];
  #expected: Expected[] = [];
  #judges: ((made: Call) => boolean)[] = [];

  /** Expects a call with exactly this input; the replies are given in turn, the last one for ever. */
  on<Input extends object, Output extends Metadata>(
    where: Where,
    command: AwsCommand<Input, Output>,
    ...replies: readonly Reply<Output>[]
  ): void {
    if (replies.length === 0) throw new Error('a call needs a reply');
    this.#expected.unshift({ call: call(where, command), replies: [...replies] });
  }

  /** Expects each of these calls, and answers with an empty success. */
  accepts(where: Where, ...commands: readonly { readonly input: unknown }[]): void {
    for (const command of commands) this.#expected.unshift({ call: call(where, command), replies: [{}] });
  }

  /** Expects any number of calls that the test judges itself, and answers with an empty success. */
  expects(where: Where, judge: (made: Call) => boolean): void {
    this.#judges.push((made) => made.where === (where === HUB ? HUB : targetName(where)) && judge(made));
  }

  /** Expects that an object of the hub's bucket is read, and maybe listed before, and answers with bytes, or with a document as JSON. */
  holds(Bucket: string, Key: string, content: Uint8Array | object): void {
    this.on(HUB, new ListObjectsV2Command({ Bucket, Prefix: Key }), { Contents: [{ Key }] });
    const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
    const reply = { Body: { transformToByteArray: async () => bytes } };
    this.#expected.unshift({ call: call(HUB, new GetObjectCommand({ Bucket, Key })), replies: [reply] });
  }

  /** What was sent to one place, in order. */
  sentTo(where: Where): Call[] {
    const name = where === HUB ? HUB : targetName(where);
    return this.sent.filter((one) => one.where === name);
  }

  /** The commands sent, in order, as a person would list them. */
  get commands(): string[] {
    return this.sent.map(({ command }) => command);
  }

  reset(): void {
    this.sent = [];
    this.unexpected = [];
    this.stewards = [];
    this.#expected = [];
    this.#judges = [];
  }

  async answer(where: Where, command: { readonly input: unknown }): Promise<unknown> {
    const made = call(where, command);
    this.sent.push(made);
    const expected = this.#expected.find((one) => isDeepStrictEqual(one.call, made));
    if (!expected && this.#judges.some((judge) => judge(made))) return {};
    if (!expected) {
      this.unexpected.push(made);
      throw new Error(`unexpected call: ${JSON.stringify(made)}`);
    }
    const [reply] = expected.replies.length > 1 ? expected.replies.splice(0, 1) : expected.replies;
    if (reply instanceof Error) throw reply;
    return reply;
  }
}

interface StewardClient {
  readonly config: {
    readonly region: () => Promise<string>;
    readonly credentials: () => Promise<{ readonly accessKeyId: string }>;
  };
}

interface Mock {
  readonly send: {
    callsFake(fake: (this: StewardClient, command: { readonly input: unknown }) => Promise<unknown>): unknown;
  };
  restore(): void;
}

/** Puts a strict AWS under every test of the file. */
export function useAws(): Aws {
  const aws = new Aws();
  const mocks: Mock[] = [];

  beforeEach(() => {
    process.env['AWS_REGION'] = HUB_REGION;
    // What the hub does in its own name has these; a steward's session has its account's id instead.
    process.env['AWS_ACCESS_KEY_ID'] = HUB;
    process.env['AWS_SECRET_ACCESS_KEY'] = HUB;
    forgetClients();
    aws.reset();
    const stewards: Mock[] = [
      mockClient(AutoScalingClient),
      mockClient(EC2Client),
      mockClient(SSMClient),
      mockClient(CodeBuildClient),
    ];
    for (const mock of stewards) {
      mock.send.callsFake(async function (command) {
        const [{ accessKeyId }, region] = await Promise.all([
          this.config.credentials(),
          this.config.region(),
        ]);
        return aws.answer(accessKeyId === HUB ? HUB : { accountId: accessKeyId, region }, command);
      });
    }
    const hub: Mock[] = [
      mockClient(S3Client),
      mockClient(EventBridgeClient),
      mockClient(SFNClient),
      mockClient(DynamoDBClient),
      mockClient(SecretsManagerClient),
    ];
    for (const mock of hub) mock.send.callsFake(async (command) => aws.answer(HUB, command));
    const sts: Mock = mockClient(STSClient);
    sts.send.callsFake(async (command) => assumeSteward(aws, command));
    mocks.push(...stewards, ...hub, sts);
  });

  afterEach(() => {
    for (const mock of mocks.splice(0)) mock.restore();
    expect(aws.unexpected).toEqual([]);
  });

  return aws;
}

function assumeSteward(aws: Aws, command: { readonly input: unknown }) {
  const { RoleArn = '', RoleSessionName } = command instanceof AssumeRoleCommand ? command.input : {};
  const [, accountId = ''] = /^arn:aws:iam::(\d{12}):/.exec(RoleArn) ?? [];
  if (RoleArn !== roleArn(accountId, NAMES.stewardRole) || RoleSessionName !== 'packleader') {
    aws.unexpected.push(call(HUB, command));
    throw new Error(`unexpected call: ${JSON.stringify(command.input)}`);
  }
  aws.stewards.push(accountId);
  return {
    $metadata: {},
    Credentials: {
      AccessKeyId: accountId,
      SecretAccessKey: 'secret',
      SessionToken: 'token',
      Expiration: new Date(Date.now() + 3_600_000),
    },
  };
}
