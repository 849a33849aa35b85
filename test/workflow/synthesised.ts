import { App, Stack } from 'aws-cdk-lib';
import { SynthesisMessageLevel } from 'aws-cdk-lib/cx-api';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { readFactoryDirectory } from '../../core/configuration/factory-directory.ts';
import { type Factory, loadFactory } from '../../core/configuration/factory.ts';
import { HubStack, type HubStackProps } from '../../workflow/hub/hub-stack.ts';
import { TargetStack, type TargetStackProps } from '../../workflow/target/target-stack.ts';

const { context } = z
  .object({ context: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')));

export const ownFactory = (): Factory =>
  loadFactory(readFactoryDirectory(new URL('../../packer', import.meta.url).pathname));

const resourceSchema = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Metadata: z.looseObject({ 'aws:cdk:path': z.string().optional() }).optional(),
  DeletionPolicy: z.string().optional(),
});
const statementSchema = z.strictObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: z.union([z.string(), z.array(z.string())]).transform((action) => [action].flat()),
  Resource: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((resource) => (resource === undefined ? [] : [resource].flat())),
  Principal: z.unknown().optional(),
  Condition: z.record(z.string(), z.unknown()).optional(),
});
export type Statement = z.infer<typeof statementSchema>;
const documentSchema = z.object({ Statement: z.array(statementSchema) });

const NAMED_BY = [
  'RoleName',
  'BucketName',
  'LogGroupName',
  'FunctionName',
  'QueueName',
  'TableName',
  'TopicName',
  'Name',
];

function nameIn(properties: Record<string, unknown>): string | undefined {
  return NAMED_BY.map((key) => properties[key]).find((name) => typeof name === 'string');
}

/** A synthesised template whose references are replaced by the names and ARNs they stand for. No Lambda is bundled. */
export class Synthesised {
  readonly resources: readonly {
    readonly type: string;
    readonly path: string;
    readonly retained: boolean;
    readonly is: Record<string, unknown>;
  }[];
  /** What would keep `cdk synth` from succeeding. */
  readonly errors: readonly string[];
  readonly #env: { readonly account: string; readonly region: string };

  constructor(make: (app: App) => Stack) {
    const app = new App({
      context: { ...context, 'aws:cdk:bundling-stacks': [], 'aws:cdk:enable-path-metadata': true },
      analyticsReporting: false,
    });
    const stack = make(app);
    this.#env = { account: stack.account, region: stack.region };
    const artifact = app.synth().getStackArtifact(stack.artifactId);
    this.errors = artifact.messages.flatMap(({ level, entry }) =>
      level === SynthesisMessageLevel.ERROR ? [z.string().parse(entry.data)] : [],
    );
    const template = z
      .object({ Resources: z.record(z.string(), resourceSchema) })
      .parse(artifact.template).Resources;
    this.resources = Object.values(template).map(({ Type, Properties, Metadata, DeletionPolicy }) => ({
      type: Type,
      path: (Metadata?.['aws:cdk:path'] ?? '').split('/').slice(1).join('/'),
      retained: DeletionPolicy === 'Retain' || DeletionPolicy === 'RetainExceptOnCreate',
      is: z.record(z.string(), z.unknown()).parse(this.#resolve(Properties, template)),
    }));
  }

  ofType(type: string) {
    return this.resources.filter((resource) => resource.type === type);
  }

  /** The roles by name, or by path where a name is left to CloudFormation, with who may take them on and what they may do. */
  roles(): { name: string; trust: Statement[]; statements: Statement[] }[] {
    return this.ofType('AWS::IAM::Role').map(({ is, path }) => {
      const name = nameIn(is) ?? `ref:${path}`;
      const policies = [...this.ofType('AWS::IAM::Policy'), ...this.ofType('AWS::IAM::ManagedPolicy')];
      return {
        name: name.replace('ref:', ''),
        trust: documentSchema.parse(is['AssumeRolePolicyDocument']).Statement,
        statements: policies
          .filter((policy) => z.array(z.string()).parse(policy.is['Roles']).includes(name))
          .flatMap((policy) => documentSchema.parse(policy.is['PolicyDocument']).Statement),
      };
    });
  }

  /** Of one bucket, or of all. */
  bucketPolicy(name?: string): Statement[] {
    return this.ofType('AWS::S3::BucketPolicy')
      .filter(({ is }) => name === undefined || is['Bucket'] === name)
      .flatMap(({ is }) => documentSchema.parse(is['PolicyDocument']).Statement);
  }

  /** The keys of what the stack keeps; that of the alarms' topic is always there. */
  keys() {
    return this.ofType('AWS::KMS::Key').filter(({ is }) => !String(is['Description']).includes('alarms'));
  }

  keyPolicy(): Statement[] {
    return this.keys().flatMap(({ is }) => documentSchema.parse(is['KeyPolicy']).Statement);
  }

  #resolve(value: unknown, template: Record<string, z.infer<typeof resourceSchema>>): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#resolve(item, template));
    if (typeof value !== 'object' || value === null) return value;
    const { account, region } = this.#env;
    const pseudo: Record<string, string> = {
      'AWS::Partition': 'aws',
      'AWS::Region': region,
      'AWS::AccountId': account,
    };
    const entries = Object.entries(value);
    const [[key, argument] = ['', undefined]] = entries;
    const name = (id: string) => {
      const found = template[id];
      const { Properties: is = {}, Metadata } = found ?? {};
      const path = (Metadata?.['aws:cdk:path'] ?? '').split('/').slice(1).join('/');
      return nameIn(is) ?? `ref:${path}`;
    };
    if (key === 'Ref') return pseudo[String(argument)] ?? name(String(argument));
    if (key === 'Fn::GetAtt') {
      const [id = ''] = z.array(z.string()).parse(argument);
      const services: Record<string, string> = {
        'AWS::S3::Bucket': 'arn:aws:s3:::',
        'AWS::Logs::LogGroup': 'log group ',
        'AWS::Lambda::Function': 'function ',
        'AWS::CodeBuild::Project': 'project ',
        'AWS::DynamoDB::Table': 'table ',
        'AWS::Events::Rule': 'rule ',
        'AWS::SQS::Queue': 'queue ',
        'AWS::IAM::Role': 'role ',
        'AWS::KMS::Key': 'key ',
      };
      return `${services[template[id]?.Type ?? ''] ?? '? '}${name(id)}`;
    }
    if (key === 'Fn::Join') {
      const [separator, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(argument);
      return parts.map((part) => this.#resolve(part, template)).join(separator);
    }
    return Object.fromEntries(entries.map(([field, item]) => [field, this.#resolve(item, template)]));
  }
}

export const hub = (factory: Factory, more: Omit<HubStackProps, 'factory' | 'env'> = {}) =>
  new Synthesised(
    (app) =>
      new HubStack(app, 'hub', {
        factory,
        env: { account: factory.hub.accountId, region: factory.hub.region },
        ...more,
      }),
  );

export const target = (props: TargetStackProps) =>
  new Synthesised((app) => new TargetStack(app, 'target', props));

/** A statement as one line of English; a long list of resources gets a line each. */
export function inWords({ Sid, Effect, Action, Resource, Principal, Condition }: Statement): string {
  const who = Principal === undefined ? '' : ` by ${JSON.stringify(Principal)}`;
  const on = Resource.length === 0 ? '' : ` on ${Resource.join(' ')}`;
  const when = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`;
  return `${Sid === undefined ? '' : `${Sid}: `}${Effect} ${Action.join(' ')}${who}${on}${when}`;
}
