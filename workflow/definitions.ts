import { App } from 'aws-cdk-lib';
import * as z from 'zod';
import { STACKS } from '../core/contract/names.ts';
import type { ScanAmis } from '../core/contract/vulnerabilities.ts';
import type { RetentionRules } from '../core/configuration/retention.ts';
import type { Factory } from '../core/configuration/factory.ts';
import { HubStack } from './hub/hub-stack.ts';

/** A state machine as CloudFormation would create it. */
export interface Definition {
  readonly name: string;
  readonly definition: Record<string, unknown>;
}

/**
 * The state machines that `cdk deploy` would create for a factory, taken from the hub's synthesised template, with the
 * template's references replaced by the names they stand for. Lambda code is not bundled: nothing here runs it.
 */
export function definitionsOf(
  factory: Factory,
  {
    spotBuilders = false,
    keepBuilders = false,
    testAmis = false,
    shareAmis = false,
    copyAmis = false,
    scanAmis,
    retention,
  }: {
    readonly spotBuilders?: boolean;
    readonly keepBuilders?: boolean;
    readonly testAmis?: boolean;
    readonly shareAmis?: boolean;
    readonly copyAmis?: boolean;
    readonly scanAmis?: ScanAmis;
    readonly retention?: RetentionRules;
  } = {},
): Definition[] {
  const app = new App({
    // Templates are validated when they are synthesised for deployment.
    builtinCloudFormationValidation: false,
    context: { 'aws:cdk:bundling-stacks': [] },
    analyticsReporting: false,
  });
  const { accountId: account, region } = factory.hub;
  const stack = new HubStack(app, STACKS.hub, {
    factory,
    spotBuilders,
    keepBuilders,
    testAmis,
    shareAmis,
    copyAmis,
    ...(scanAmis !== undefined && { scanAmis }),
    env: { account, region },
    ...(retention && { retention }),
  });
  const template = templateSchema.parse(app.synth().getStackArtifact(stack.artifactId).template);
  const machines = Object.values(template.Resources).filter(
    ({ Type }) => Type === 'AWS::StepFunctions::StateMachine',
  );
  return machines.map(({ Properties }) => ({
    name: String(Properties['StateMachineName']),
    definition: definitionSchema.parse(
      JSON.parse(resolve(Properties['DefinitionString'], template, factory)),
    ),
  }));
}

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
type HubTemplate = z.infer<typeof templateSchema>;

const definitionSchema = z.record(z.string(), z.unknown());

/** Only what the hub's definitions use: Fn::Join, Fn::GetAtt of a function, and pseudo parameters. */
function resolve(value: unknown, template: HubTemplate, factory: Factory): string {
  if (typeof value === 'string') return value;
  const [[key, argument] = ['', undefined]] = Object.entries(value ?? {});
  const join = z.tuple([z.string(), z.array(z.unknown())]).safeParse(argument);
  if (key === 'Fn::Join' && join.success) {
    const [separator, parts] = join.data;
    return parts.map((part) => resolve(part, template, factory)).join(separator);
  }
  if (key === 'Fn::GetAtt' && Array.isArray(argument) && argument[1] === 'Arn') {
    const resource = template.Resources[String(argument[0])];
    const { accountId, region } = factory.hub;
    if (resource?.Type === 'AWS::Lambda::Function') {
      return `arn:aws:lambda:${region}:${accountId}:function:${String(resource.Properties['FunctionName'])}`;
    }
  }
  if (key === 'Ref' && argument === 'AWS::Partition') return 'aws';
  throw new Error(
    `The definition holds ${JSON.stringify(value)}, which cannot be resolved without deploying.`,
  );
}
