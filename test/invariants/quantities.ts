/** How much of each of AWS's quotas a stack takes, for whatever it holds. */
import * as z from 'zod';
import {
  CLOUDFORMATION,
  CLOUDWATCH,
  CODEBUILD,
  EVENTBRIDGE,
  IAM,
  KMS,
  LAMBDA,
  LOGS,
  S3,
  SCHEDULER,
  SNS,
  SQS,
  STEP_FUNCTIONS,
} from '../fixtures/aws-quotas.ts';
import type { Synthesised } from '../fixtures/synthesised.ts';

export interface Quantity {
  readonly what: string;
  readonly found: number;
  readonly quota: number;
}
type Resource = Synthesised['resources'][number];

/** Instead of an ARN, `Synthesised` has a word and a name: this makes it as long as the longest ARN could be, rather than shorter. */
const ARN = 'arn:aws:codebuild:ap-southeast-1:999999999999:'.padEnd(60, 'x');
const withArns = (text: string): string =>
  text.replaceAll(/"(function|log group|project|table|rule|queue|role|key|\?) /g, `"${ARN}`);
const length = (value: unknown): number =>
  value === undefined ? 0 : withArns(typeof value === 'string' ? value : JSON.stringify(value)).length;

const list = z.array(z.unknown()).default([]);
const names = z.array(z.string()).default([]);

/** What one resource takes, by its type. */
const OF_RESOURCE: Readonly<Record<string, (is: Resource['is']) => Quantity[]>> = {
  'AWS::IAM::ManagedPolicy': (is) => [
    { what: 'policy', found: length(is['PolicyDocument']), quota: IAM.managedPolicy },
  ],
  'AWS::IAM::Role': (is) => [
    { what: 'trust', found: length(is['AssumeRolePolicyDocument']), quota: IAM.trustPolicy },
  ],
  'AWS::S3::BucketPolicy': (is) => [
    { what: 'policy', found: length(is['PolicyDocument']), quota: S3.bucketPolicy },
  ],
  'AWS::KMS::Key': (is) => [{ what: 'policy', found: length(is['KeyPolicy']), quota: KMS.keyPolicy }],
  'AWS::SQS::QueuePolicy': (is) => [
    { what: 'policy', found: length(is['PolicyDocument']), quota: SQS.queuePolicy },
  ],
  'AWS::SNS::TopicPolicy': (is) => [
    { what: 'policy', found: length(is['PolicyDocument']), quota: SNS.topicPolicy },
  ],
  'AWS::Lambda::Function': (is) => [
    {
      what: 'environment',
      found: length(z.looseObject({ Variables: z.unknown() }).optional().parse(is['Environment'])?.Variables),
      quota: LAMBDA.environment,
    },
  ],
  'AWS::StepFunctions::StateMachine': (is) => [
    { what: 'definition', found: length(is['DefinitionString']), quota: STEP_FUNCTIONS.definition },
  ],
  'AWS::Events::Rule': (is) => [
    { what: 'pattern', found: length(is['EventPattern']), quota: EVENTBRIDGE.pattern },
    { what: 'targets', found: list.parse(is['Targets']).length, quota: EVENTBRIDGE.targetsOfRule },
  ],
  'AWS::Scheduler::Schedule': (is) => [
    { what: 'name', found: length(is['Name']), quota: SCHEDULER.name },
    { what: 'expression', found: length(is['ScheduleExpression']), quota: SCHEDULER.expression },
    { what: 'description', found: length(is['Description']), quota: SCHEDULER.description },
  ],
  'AWS::CloudWatch::Alarm': (is) => [
    {
      what: 'metrics',
      found: list.parse(is['Metrics']).filter((metric) => Object.hasOwn(Object(metric), 'MetricStat')).length,
      quota: CLOUDWATCH.metricsOfAlarm,
    },
  ],
  'AWS::CloudWatch::Dashboard': (is) => {
    const { widgets } = z
      .object({ widgets: z.array(z.object({ properties: z.looseObject({ metrics: list }) })) })
      .parse(JSON.parse(z.string().parse(is['DashboardBody'])));
    return [
      { what: 'widgets', found: widgets.length, quota: CLOUDWATCH.widgetsOfDashboard },
      ...widgets.map(({ properties }, index) => ({
        what: `metrics of widget ${index + 1}`,
        found: properties.metrics.length,
        quota: CLOUDWATCH.metricsOfWidget,
      })),
    ];
  },
  'AWS::CodeBuild::Project': (is) => [
    {
      what: 'buildspec',
      found: length(z.looseObject({ BuildSpec: z.string() }).parse(is['Source']).BuildSpec),
      quota: CODEBUILD.buildspec,
    },
  ],
};

/** Counted with others of their kind, below. */
const COUNTED = ['AWS::IAM::Policy', 'AWS::Logs::MetricFilter', 'AWS::Lambda::Permission'];

/** Nothing in them grows with a factory. */
const OF_FIXED_SIZE = [
  'AWS::CDK::Metadata',
  'AWS::DynamoDB::Table',
  'AWS::IAM::InstanceProfile',
  'AWS::KMS::Alias',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Url',
  'AWS::Logs::LogGroup',
  'AWS::S3::Bucket',
  'AWS::SNS::Subscription',
  'AWS::SNS::Topic',
  'AWS::SQS::Queue',
  'AWS::Scheduler::ScheduleGroup',
];

/** Types of which nobody has said what of them AWS limits. */
export function unknownTypes(resources: readonly { readonly type: string }[]): string[] {
  const known = new Set([...Object.keys(OF_RESOURCE), ...COUNTED, ...OF_FIXED_SIZE]);
  return [...new Set(resources.map(({ type }) => type))].filter((type) => !known.has(type));
}

export function quantitiesOf(stack: Synthesised): Quantity[] {
  const { resources, outputs, template } = stack;
  const all = (type: string) => stack.ofType(type);
  const each = resources.flatMap(({ type, path, is }) =>
    (OF_RESOURCE[type]?.(is) ?? []).map((one) => ({ ...one, what: `${one.what} of ${path}` })),
  );
  return [
    { what: 'template', found: template.characters, quota: CLOUDFORMATION.template },
    { what: 'resources', found: resources.length, quota: CLOUDFORMATION.resources },
    { what: 'outputs', found: Object.keys(outputs).length, quota: CLOUDFORMATION.outputs },
    { what: 'parameters', found: template.parameters, quota: CLOUDFORMATION.parameters },
    { what: 'rules', found: all('AWS::Events::Rule').length, quota: EVENTBRIDGE.rules },
    { what: 'alarms', found: all('AWS::CloudWatch::Alarm').length, quota: CLOUDWATCH.alarms },
    ...grouped(all('AWS::IAM::Policy'), 'Roles', (one) => length(one['PolicyDocument'])).map((one) => ({
      ...one,
      what: `inline policies of ${one.what}`,
      quota: IAM.inlineOfRole,
    })),
    ...grouped(all('AWS::IAM::ManagedPolicy'), 'Roles', () => 1).map((one) => ({
      ...one,
      what: `managed policies of ${one.what}`,
      quota: IAM.managedPoliciesOfRole,
    })),
    ...grouped(all('AWS::Logs::MetricFilter'), 'LogGroupName', () => 1).map((one) => ({
      ...one,
      what: `metric filters of ${one.what}`,
      quota: LOGS.metricFiltersOfGroup,
    })),
    ...grouped(all('AWS::Lambda::Permission'), 'FunctionName', length).map((one) => ({
      ...one,
      what: `who may call ${one.what}`,
      quota: LAMBDA.resourcePolicy,
    })),
    ...each,
  ];
}

/** A sum for each of those that a property of the resources names. */
function grouped(
  resources: readonly Resource[],
  by: string,
  measure: (is: Resource['is']) => number,
): { what: string; found: number }[] {
  const sums = new Map<string, number>();
  for (const { is } of resources)
    for (const name of names.parse([is[by]].flat())) sums.set(name, (sums.get(name) ?? 0) + measure(is));
  return [...sums].map(([what, found]) => ({ what, found }));
}

/** What is above its quota, in words. */
export const above = (quantities: readonly Quantity[]): string[] =>
  quantities
    .filter(({ found, quota }) => found > quota)
    .map(({ what, found, quota }) => `${what}: ${found} of ${quota}`);
