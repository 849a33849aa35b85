/** Whether what was created fits together: what one resource says of another is so. Each check returns what is wrong. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { NAMES, STACKS, bucketName } from '../../../core/contract/names.ts';
import { METRICS } from '../../../core/contract/metrics.ts';
import { TELL_ENVIRONMENT, TRIGGER_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { repositoryPath } from '../../../core/configuration/repository-url.ts';
import { STATUS_APIS } from '../../../core/contract/telling.ts';
import type { Factory } from '../../../core/configuration/factory.ts';
import { type Request, allowing } from '../../invariants/permissions/evaluate.ts';
import type { Statement } from '../../fixtures/synthesised.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { COMMIT_STATUS, GATES, WEBHOOK_SECRET } from './repository.ts';
import type { Moto } from '../moto.ts';
import { type Inventory, inventoryOf } from './inventory.ts';

/** By account. */
export type Inventories = ReadonlyMap<string, Inventory>;

export async function inventoriesOf(
  moto: Moto,
  python: string,
  accountIds: readonly string[],
): Promise<Inventories> {
  const entries = accountIds.map(
    async (accountId) => [accountId, await inventoryOf(moto, python, accountId)] as const,
  );
  return new Map(await Promise.all(entries));
}

const templateSchema = z.object({ Resources: z.record(z.string(), z.object({ Type: z.string() })) });
/** Where CDK notes what a stack was made with: nothing is created for it. */
const NOTHING = 'AWS::CDK::Metadata';

/** Every stack is complete, and has each resource of its template. */
export function unfinishedStacks(
  inventories: Inventories,
  repository: string,
  hub: string = HUB.accountId,
): string[] {
  return [...inventories].flatMap(([accountId, { stacks }]) => {
    const own = accountId === hub ? STACKS.hub : STACKS.target(accountId);
    const stack = stacks.find(({ name }) => name === own || name.startsWith('StackSet'));
    if (!stack) return [`There is no stack in ${accountId}.`];
    const file =
      stack.name === own
        ? `cdk.out/${own}.template.json`
        : 'cdk.out.stack-set/packleader-target.template.json';
    const { Resources } = templateSchema.parse(JSON.parse(readFileSync(join(repository, file), 'utf8')));
    const created = new Map(stack.resources.map(({ id, type }) => [id, type]));
    const missing = Object.entries(Resources).filter(
      ([id, { Type }]) => Type !== NOTHING && created.get(id) !== Type,
    );
    return [
      ...(/^(CREATE|UPDATE)_COMPLETE$/.test(stack.status) ? [] : [`${stack.name} is ${stack.status}.`]),
      ...missing.map(([id, { Type }]) => `${stack.name} has no ${Type} ${id}.`),
    ];
  });
}

const ARN = /arn:aws:[^\s"'\\,]+/g;

/** Every ARN in it, however deep, and in JSON that is text. */
function arnsIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(ARN)].map(([arn]) => arn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(arnsIn);
}

/** What the stacks do not create, and why it is there all the same. */
const FROM_ELSEWHERE: Readonly<Record<string, RegExp>> = {
  'what bakes make, tag and launch from': /^arn:aws:ec2:\*:/,
  'every account has it': /^arn:aws:events:[^:]*:\d+:event-bus\/default$|^arn:aws:iam::\d+:root$/,
  'Step Functions manages them': /^arn:aws:events:[^:]*:\d+:rule\/StepFunctionsGet\w+$/,
  'the parts of Step Functions itself': /^arn:aws:states:::/,
  'releases make them, or whoever operates': /^arn:aws:ssm:[^:]*:\d+:(parameter|session)\//,
  'AWS has them': /^arn:aws:ssm:\*::(document|parameter)\/|^arn:aws:kms:[^:]*:\d+:alias\/aws\//,
  'keys of the volumes, which the stacks do not make': /^arn:aws:kms:\*:\d+:key\/\*$/,
  'secrets are made by whoever deploys': /^arn:aws:secretsmanager:/,
};

/** A thing within one that exists: an object of a bucket, a stream of a log, an execution of a machine. */
const OWNERS: readonly (readonly [RegExp, string])[] = [
  [/^(arn:aws:s3:::[^/]+)\/.*$/, '$1'],
  [/^(arn:aws:logs:[^:]*:\d+:log-group:[^:]+):.*$/, '$1'],
  [/^(arn:aws:states:[^:]*:\d+):execution:([^:]+):.*$/, '$1:stateMachine:$2'],
  [/^(arn:aws:lambda:[^:]*:\d+:function:[^:]+):\*$/, '$1'],
];

function ownerOf(arn: string): string {
  const found = OWNERS.find(([pattern]) => pattern.test(arn));
  return found ? arn.replace(...found) : arn;
}

function arnsOf(accountId: string, inventory: Inventory): string[] {
  const own = (service: string, name: string) => `arn:aws:${service}:${HUB.region}:${accountId}:${name}`;
  return [
    ...[...inventory.roles, ...inventory.instanceProfiles, ...inventory.functions].map(({ arn }) => arn),
    ...[...inventory.machines, ...inventory.projects, ...inventory.rules, ...inventory.queues].map(
      ({ arn }) => arn,
    ),
    ...inventory.buckets.map(({ name }) => `arn:aws:s3:::${name}`),
    ...inventory.logGroups.map((name) => own('logs', `log-group:${name}`)),
    ...inventory.tables.map((name) => own('dynamodb', `table/${name}`)),
    ...inventory.alarms.map(({ AlarmArn }) => AlarmArn),
    ...inventory.schedules.map(({ Arn }) => Arn),
    ...inventory.topics,
    ...inventory.scheduleGroups,
    ...inventory.keys.map(({ arn }) => arn),
  ];
}

/** Why an ARN need not be that of something that was created. */
const reasonFor = (arn: string): string | undefined =>
  Object.entries(FROM_ELSEWHERE).find(([, pattern]) => pattern.test(arn))?.[0];

/** Every ARN that a policy, a machine, a rule, an alarm or a variable names is that of something that was created. */
export function danglingArns(inventories: Inventories): string[] {
  const existing = [...inventories].flatMap(([accountId, inventory]) => arnsOf(accountId, inventory));
  return [...inventories].flatMap(([accountId, inventory]) =>
    [...new Set(arnsIn(inventory))]
      .filter((arn) => reasonFor(arn) === undefined && !isAmong(existing, ownerOf(arn)))
      .map((arn) => `${accountId} names ${arn}, which does not exist.`),
  );
}

/** With everything deployed, each reason is one. */
export function needlessReasons(inventories: Inventories): string[] {
  const reasons = new Set([...inventories.values()].flatMap(arnsIn).map(reasonFor));
  return Object.keys(FROM_ELSEWHERE)
    .filter((reason) => !reasons.has(reason))
    .map((reason) => `Nothing needs the reason "${reason}" any more.`);
}

function isAmong(existing: readonly string[], pattern: string): boolean {
  const text = pattern.replaceAll(/\$?\{[^}]*\}/g, '*').replaceAll(/[.+^$()|[\]{}\\]/g, String.raw`\$&`);
  const expression = new RegExp(`^${text.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return existing.some((arn) => expression.test(arn));
}

/** Whether the service may take a role on for one of its resources. */
export function trusts(
  trust: readonly Statement[],
  service: string,
  sourceArn: string,
  accountId: string,
): boolean {
  const request: Request = {
    action: 'sts:AssumeRole',
    resource: '*',
    context: { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': accountId },
  };
  const about = trust.filter(({ Principal }) =>
    JSON.stringify(Principal).includes(`"${service}.amazonaws.com"`),
  );
  return allowing(about, request).length > 0;
}

/** Whoever runs with a role may take it on. */
export function distrustfulRoles(inventories: Inventories): string[] {
  return [...inventories].flatMap(([accountId, inventory]) => {
    const runs: (readonly [role: string, service: string, arn: string])[] = [
      ...inventory.functions.map(({ role, arn }) => [role, 'lambda', arn] as const),
      ...inventory.machines.map(({ role, arn }) => [role, 'states', arn] as const),
      ...inventory.projects.map(({ serviceRole, arn }) => [serviceRole, 'codebuild', arn] as const),
      ...inventory.rules.flatMap(({ targets, arn }) =>
        targets.flatMap(({ RoleArn }) => (RoleArn === undefined ? [] : [[RoleArn, 'events', arn] as const])),
      ),
      ...inventory.schedules.map(({ Target }) => [Target.RoleArn, 'scheduler', groupArn(accountId)] as const),
      ...inventory.instanceProfiles.flatMap(({ roles, arn }) =>
        roles.map((role) => [role, 'ec2', arn] as const),
      ),
    ];
    return runs.flatMap(([roleArn, service, arn]) => {
      const role = inventory.roles.find((one) => one.arn === roleArn);
      if (role && trusts(role.trust, service, arn, accountId)) return [];
      return [`${arn} runs with ${roleArn}, which ${role ? `does not trust ${service}` : 'does not exist'}.`];
    });
  });
}

/** @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html */
const groupArn = (accountId: string): string =>
  `arn:aws:scheduler:${HUB.region}:${accountId}:schedule-group/${NAMES.scheduleGroup}`;

/** Every environment variable says what there is. */
export function wrongVariables(inventories: Inventories, factory: Factory): string[] {
  const { buckets = [], machines = [], topics = [] } = inventories.get(HUB.accountId) ?? {};
  const isName = (names: readonly string[]) => (value: string) => names.includes(value);
  const right: Readonly<Record<string, (value: string) => boolean>> = {
    NODE_OPTIONS: isName(['--enable-source-maps']),
    [TRIGGER_ENVIRONMENT.releaseMachine]: isName(
      machines.flatMap(({ name, arn }) => (name === NAMES.releaseMachine ? [arn] : [])),
    ),
    [TRIGGER_ENVIRONMENT.bucket]: isName(
      buckets.map(({ name }) => name).filter((name) => name === bucketName(factory)),
    ),
    [TRIGGER_ENVIRONMENT.webhookSecret]: isName([WEBHOOK_SECRET]),
    [TRIGGER_ENVIRONMENT.repository]: isName([factory.repository]),
    [TRIGGER_ENVIRONMENT.branches]: isName([JSON.stringify(factory.pushBranches)]),
    [TELL_ENVIRONMENT.topicArn]: isName(topics),
    [TELL_ENVIRONMENT.provider]: isName([COMMIT_STATUS.provider]),
    [TELL_ENVIRONMENT.apiUrl]: isName([STATUS_APIS[COMMIT_STATUS.provider]]),
    [TELL_ENVIRONMENT.repository]: isName([repositoryPath(factory.repository)]),
    [TELL_ENVIRONMENT.tokenSecret]: isName([COMMIT_STATUS.tokenSecret]),
    PACKLEADER_SCAN_COMMAND: isName([GATES.scanAmis.command]),
    PACKLEADER_FACTORY: isName(['packer']),
    PACKLEADER_DEFAULT_BRANCH: isName([factory.defaultBranch]),
  };
  const variables = [...inventories.values()].flatMap(({ functions, projects }) => [
    ...functions.flatMap(({ name: of, environment }) =>
      Object.entries(environment).map(([name, value]) => ({ of, name, value })),
    ),
    ...projects.flatMap(({ name: of, environment }) =>
      environment.environmentVariables.map(({ name, value }) => ({ of, name, value })),
    ),
  ]);
  const unset = Object.keys(right).filter((known) => !variables.some(({ name }) => name === known));
  return [
    ...variables
      .filter(({ name, value }) => right[name]?.(value) !== true)
      .map(({ of, name, value }) => `${of} has ${name}=${value}, which is nothing that exists.`),
    ...unset.map((name) => `Nothing has the variable ${name}.`),
  ];
}

/** Every alarm looks at a metric that something writes, and every filter at a log that something is written to. */
export function blindAlarms(inventories: Inventories, repository: string): string[] {
  const {
    alarms = [],
    metricFilters = [],
    functions = [],
    queues = [],
    machines = [],
    logGroups = [],
  } = inventories.get(HUB.accountId) ?? {};
  const filtered = new Set(
    metricFilters.flatMap(({ metricTransformations }) =>
      metricTransformations.map(({ metricName }) => metricName),
    ),
  );
  // Functions write metrics into their logs, and CloudWatch finds them there.
  const bundles = globSync('asset.*/index.mjs', { cwd: join(repository, 'cdk.out') }).map((file) =>
    readFileSync(join(repository, 'cdk.out', file), 'utf8'),
  );
  const isWritten = (name: string) => filtered.has(name) || bundles.some((code) => code.includes(name));
  const things = new Set([...functions, ...machines].flatMap(({ name, arn }) => [name, arn]));
  for (const { arn } of queues) things.add(arn.split(':').at(-1) ?? '');
  const watched = alarms.flatMap((alarm) =>
    metricsIn(alarm).map((metric) => ({ alarm: alarm.AlarmName, ...metric })),
  );
  if (watched.length < alarms.length) return ['An alarm looks at no metric.'];
  return [
    ...watched
      .filter(({ namespace, name, dimensions }) =>
        namespace === METRICS.namespace ? !isWritten(name) : dimensions.some((value) => !things.has(value)),
      )
      .map(
        ({ alarm, name, dimensions }) =>
          `${alarm} looks at ${name} of ${dimensions.join() || 'nothing'}, which nothing writes.`,
      ),
    ...metricFilters
      .filter(({ logGroupName }) => !logGroups.includes(logGroupName))
      .map(({ filterName, logGroupName }) => `${filterName} reads ${logGroupName}, which does not exist.`),
    ...[
      ...functions.map(({ name }) => `/aws/lambda/${name}`),
      ...machines.map(({ name }) => `/aws/vendedlogs/states/${name}`),
    ]
      .filter((name) => !logGroups.includes(name))
      .map((name) => `There is no log group ${name}.`),
  ];
}

interface Metric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly string[];
}

const metricSchema = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Value: z.string() })),
});

/** Of an alarm, or of one of the metrics that it computes with. */
function metricsIn(value: unknown): Metric[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(metricsIn);
  const own = metricSchema.safeParse(value).data;
  if (!own) return inner;
  const dimensions = own.Dimensions.map(({ Value }) => Value);
  return [{ namespace: own.Namespace, name: own.MetricName, dimensions }, ...inner];
}
