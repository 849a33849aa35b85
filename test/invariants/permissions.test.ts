import { beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadConfiguration } from '../../core/configuration/configuration.ts';
import { NAMES, roleArn } from '../../core/contract/names.ts';
import { statesOf, workerOf } from '../../sandbox/engine/asl.ts';
import { filesOf, retentionOf } from '../fixtures/factories.ts';
import { type Statement, type Synthesised, hub, target } from '../fixtures/synthesised.ts';
import { WEBHOOK_SECRET } from '../triggers/webhook-world.ts';
import { machinesOf } from '../fixtures/machines.ts';
import { type Request, allowing, allowingPrincipal } from './permissions/evaluate.ts';
import { callsInBuilds, callsOfBuilds, namedCalls } from './permissions/builds.ts';
import { BY_AWS, BY_PACKER } from './permissions/reasons.ts';
import { APPROVALS, type Recorded, SETTINGS, STAGES, record } from './permissions/recording.ts';
import { TOKEN_SECRET, callsOfTelling } from './permissions/telling.ts';
import { callsOfTriggers } from './permissions/triggers.ts';

const { factory } = loadConfiguration(
  filesOf({ stages: STAGES, settings: SETTINGS, approvals: APPROVALS, waitHours: 1 }),
);
const { accountId: hubAccount, region } = factory.hub;
const scheduled = {
  ...factory,
  images: factory.images.map((image) => ({
    ...image,
    schedule: { rate: '7 days', timeZone: 'UTC', when: 'always' } as const,
  })),
};
const theHub = hub(scheduled, {
  webhookSecret: WEBHOOK_SECRET,
  retention: retentionOf(factory),
  testAmis: true,
  shareAmis: true,
  copyAmis: true,
  scanAmis: 'inspector',
  notify: {},
  commitStatus: { provider: 'github', tokenSecret: TOKEN_SECRET },
});
const accountIds = [...new Set(Object.values(STAGES).flatMap((of) => of.map(({ accountId }) => accountId)))];
/** The builds of one account run in a VPC. */
const [ofVpc] = accountIds;
const bakeVpc = { vpcId: 'vpc-0a000001', subnetIds: ['subnet-0a000001'], securityGroupIds: ['sg-0a000001'] };
const targets = new Map(
  accountIds.map((accountId) => [
    accountId,
    target({
      factory,
      accountId,
      spotBuilders: true,
      keepBuilders: true,
      testAmis: true,
      copyAmis: true,
      retires: true,
      ...(accountId === ofVpc && { bakeVpc }),
    }),
  ]),
);

interface Role {
  readonly name: string;
  readonly trust: readonly Statement[];
  readonly statements: readonly Statement[];
}

const stackOf = (accountId: string): Synthesised =>
  accountId === hubAccount ? theHub : (targets.get(accountId) ?? theHub);

/** Nobody has both scanners: of the hub with the other one, the role of its command. */
const commandRoles = hub(factory, { scanAmis: { command: 'scan "$SBOM"' } })
  .roles()
  .filter(({ name }) => name === NAMES.scanProject);

const rolesOf = (stack: Synthesised): Role[] =>
  [...stack.roles(), ...(stack === theHub ? commandRoles : [])].map((role) => ({
    ...role,
    statements: role.statements.map((statement) => ({
      ...statement,
      Resource: statement.Resource.map(withArns),
    })),
  }));

/** The synthesised template names functions and projects of the same stack by their names. */
const withArns = (resource: string): string =>
  resource
    .replace(/^function /, `arn:aws:lambda:${region}:${hubAccount}:function:`)
    .replace(/^queue /, `arn:aws:sqs:${region}:${hubAccount}:`)
    .replace(/^table /, `arn:aws:dynamodb:${region}:${hubAccount}:table/`)
    .replace(/^project /, `arn:aws:codebuild:${region}:${hubAccount}:project/`);

function roleNamed(accountId: string, name: string): Role {
  const found = rolesOf(stackOf(accountId)).find((role) => role.name === name);
  if (!found) throw new Error(`There is no role ${name} in ${accountId}.`);
  return found;
}

const roleReference = /^role (?:ref:)?(.+)$/;

/** The role of a function or a state machine of the hub; anything else is a role's own name. */
function roleOf({ accountId, by }: Pick<Recorded, 'accountId' | 'by'>): Role {
  if (accountId !== hubAccount) return roleNamed(accountId, by);
  const owner = theHub.resources.find(
    ({ is, type }) =>
      (type === 'AWS::Lambda::Function' && is['FunctionName'] === by) ||
      (type === 'AWS::StepFunctions::StateMachine' && is['StateMachineName'] === by),
  );
  const reference = z.string().safeParse(owner?.is['Role'] ?? owner?.is['RoleArn']).data ?? `role ${by}`;
  return roleNamed(hubAccount, roleReference.exec(reference)?.[1] ?? reference);
}

/** What Step Functions itself calls for the states of the machines; what a build's start needs is recorded. */
function callsOfMachines(): Recorded[] {
  return machinesOf(factory).flatMap(({ name: by, graph }) =>
    statesOf(graph).flatMap(({ name: state, state: { Parameters, ...rest } }) => {
      const Resource = workerOf({ Parameters, ...rest });
      const ask = (action: string, resource: string) => [
        { accountId: hubAccount, by, state, request: { action, resource, context: {} } },
      ];
      if (Resource.startsWith('arn:aws:lambda:')) return ask('lambda:InvokeFunction', Resource);
      const nested = z.object({ StateMachineArn: z.string() }).safeParse(Parameters);
      if (Resource.includes(':states:startExecution') && nested.success)
        return ask('states:StartExecution', nested.data.StateMachineArn);
      return [];
    }),
  );
}

/** By its name, or as a reference into the same stack. */
const isMachine = (arn: string): boolean =>
  arn.includes(':stateMachine:') ||
  theHub.ofType('AWS::StepFunctions::StateMachine').some(({ path }) => arn === `ref:${path}`);

/** What EventBridge does with the roles it is given. */
function callsOfRules(): Recorded[] {
  const targetSchema = z.object({ Arn: z.string(), RoleArn: z.string() });
  return theHub.ofType('AWS::Events::Rule').flatMap(({ is, path }) =>
    z
      .array(z.unknown())
      .parse(is['Targets'] ?? [])
      .flatMap((one) => {
        const parsed = targetSchema.safeParse(one);
        if (!parsed.success || !isMachine(parsed.data.Arn)) return [];
        const by = roleReference.exec(parsed.data.RoleArn)?.[1] ?? parsed.data.RoleArn;
        const request = { action: 'states:StartExecution', resource: parsed.data.Arn, context: {} };
        return [{ accountId: hubAccount, by, state: path, request }];
      }),
  );
}

/** What EventBridge Scheduler does with its role, and Lambda with a function's that has failed for the last time. */
function callsOfTriggered(): Recorded[] {
  const scheduleSchema = z.object({
    Arn: z.string(),
    RoleArn: z.string(),
    DeadLetterConfig: z.object({ Arn: z.string() }),
  });
  const failureSchema = z.object({ OnFailure: z.object({ Destination: z.string() }) });
  const asked = (by: string, state: string, action: string, resource: string): Recorded => ({
    accountId: hubAccount,
    by,
    state,
    request: { action, resource: withArns(resource), context: {} },
  });
  return [
    ...theHub.ofType('AWS::Scheduler::Schedule').flatMap(({ is, path }) => {
      const { Arn, RoleArn, DeadLetterConfig } = scheduleSchema.parse(is['Target']);
      const by = roleReference.exec(RoleArn)?.[1] ?? RoleArn;
      return [
        asked(by, path, 'lambda:InvokeFunction', Arn),
        asked(by, path, 'sqs:SendMessage', DeadLetterConfig.Arn),
      ];
    }),
    ...theHub.ofType('AWS::Lambda::EventInvokeConfig').map(({ is, path }) => {
      const { OnFailure } = failureSchema.parse(is['DestinationConfig']);
      return asked(z.string().parse(is['FunctionName']), path, 'sqs:SendMessage', OnFailure.Destination);
    }),
  ];
}

let calls: Recorded[] = [];
beforeAll(async () => {
  calls = [
    ...(await record()),
    ...(await callsOfTriggers()),
    ...(await callsOfTelling()),
    ...callsOfMachines(),
    ...callsOfRules(),
    ...callsOfTriggered(),
    ...callsOfBuilds(factory.hub),
  ];
});

/** Who allows it: the caller's role, and where another account's role or bucket is concerned, that as well. */
function judge({ accountId, by, request }: Recorded): { readonly by: string; readonly ok: boolean }[] {
  const role = roleOf({ accountId, by });
  const verdicts = [{ by: `the role ${role.name}`, ok: allowing(role.statements, request).length > 0 }];
  const principal = {
    'aws:PrincipalArn': roleArn(accountId, role.name),
    'aws:PrincipalAccount': accountId,
  };
  const asked = { ...request, context: { ...request.context, ...principal } };
  if (request.action === 'sts:AssumeRole') {
    const [, , , , owner = '', name = ''] = request.resource.split(/:(?:role\/)?/);
    const { trust } = roleNamed(owner, name);
    verdicts.push({ by: `the trust of ${name}`, ok: allowingPrincipal(trust, asked, accountId).length > 0 });
  }
  if (request.action.startsWith('s3:') && accountId !== hubAccount) {
    const ok = allowingPrincipal(theHub.bucketPolicy(), asked, accountId).length > 0;
    verdicts.push({ by: "the bucket's policy", ok });
  }
  return verdicts;
}

/** Ids say nothing to a reader, and make many lines of one. */
const inWords = ({ accountId, by, state, request }: Recorded): string =>
  `${accountId} ${by}: ${request.action} on ${request.resource.replaceAll(/\b[0-9a-f][0-9a-f-]{16,}/g, '…')}, in "${state}"`;

describe('what the code calls', () => {
  it('is recorded for every function, every state machine and every role of a target', () => {
    const callers = new Set(calls.map(({ by }) => by));
    const silent = theHub
      .ofType('AWS::Lambda::Function')
      .map(({ is }) => String(is['FunctionName']))
      .filter((name) => !callers.has(name));
    // They only compute.
    expect(silent.toSorted()).toEqual([
      'packleader-plan-inventory',
      'packleader-report-inventory',
      'packleader-summarise-releases',
    ]);
    const machines = theHub.ofType('AWS::StepFunctions::StateMachine');
    for (const { is } of machines) expect(callers).toContain(is['StateMachineName']);
    for (const role of [
      NAMES.orchestratorRole,
      NAMES.stewardRole,
      NAMES.testerRole,
      NAMES.copierRole,
      NAMES.bakeRole,
    ])
      expect(callers).toContain(role);
  });

  it('is known for every command of the programs that builds run, and for no other', () => {
    expect(namedCalls()).toEqual(callsInBuilds());
  });

  it('is allowed to the role that calls it, on the very thing and with the very tags', () => {
    const refused = calls.flatMap((call) =>
      judge(call)
        .filter(({ ok }) => !ok)
        .map(({ by }) => `${inWords(call)}: not allowed by ${by}`),
    );
    expect([...new Set(refused)].toSorted()).toEqual([]);
  });
});

describe('what a role may do', () => {
  /** `role  Sid: action`, for every action of every statement that allows something. */
  const allowedOf = ({ name, statements }: Role): string[] =>
    statements
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap((statement) => statement.Action.map((action) => line(name, statement, action)));
  const line = (role: string, { Sid }: Statement, action: string) =>
    `${role}  ${Sid === undefined ? '' : `${Sid}: `}${action}`;

  const used = (): Set<string> =>
    new Set(
      calls.flatMap(({ accountId, by, request }) => {
        const role = roleOf({ accountId, by });
        return allowing(role.statements, request).map((statement) =>
          line(role.name, statement, request.action),
        );
      }),
    );

  const allowed = [
    ...new Set([theHub, ...targets.values()].flatMap((stack) => rolesOf(stack).flatMap(allowedOf))),
  ];
  const reasonFor = (granted: string): string | undefined => {
    const [role = '', action = ''] = granted.split('  ');
    const bare = action.replace(/^\w+: /, '');
    return (
      BY_AWS[action] ??
      BY_AWS[bare] ??
      (role === NAMES.bakeRole ? (BY_PACKER[action] ?? BY_PACKER[bare]) : undefined)
    );
  };

  it('is done by at least one call, or has a reason of its own', () => {
    const done = used();
    expect(allowed.filter((one) => !done.has(one) && reasonFor(one) === undefined)).toEqual([]);
  });

  it('has no reason that is not needed any more', () => {
    const done = used();
    const reasons = [...Object.keys(BY_AWS), ...Object.keys(BY_PACKER)];
    const needed = new Set(
      allowed
        .filter((one) => !done.has(one))
        .flatMap((one) => {
          const [, action = ''] = one.split('  ');
          return [action, action.replace(/^\w+: /, '')];
        }),
    );
    expect(reasons.filter((reason) => !needed.has(reason))).toEqual([]);
  });
});

describe('who may launch an AMI of a release', () => {
  const asking = (attribute: string | undefined, state = 'candidate'): Request => ({
    action: 'ec2:ModifyImageAttribute',
    resource: `arn:aws:ec2:${region}::image/ami-1`,
    context: {
      'aws:RequestedRegion': region,
      'aws:ResourceTag/packleader:release': 'base@1.4.0',
      'aws:ResourceTag/packleader:state': state,
      ...(attribute !== undefined && { 'ec2:Attribute': attribute }),
    },
  });
  /** EC2 gives the key no value for them; an older way to ask names them. */
  const SHARING = [undefined, 'launchPermission', 'LaunchPermission'];
  const NAMED = ['Description', 'ImdsSupport'];
  const [accountId = ''] = accountIds;
  const allowedTo = (name: string, request: Request) =>
    allowing(roleNamed(accountId, name).statements, request).length > 0;

  it('is never said by a bake, which only describes its candidate', () => {
    expect(SHARING.map((attribute) => allowedTo(NAMES.bakeRole, asking(attribute)))).toEqual([
      false,
      false,
      false,
    ]);
    expect(NAMED.map((attribute) => allowedTo(NAMES.bakeRole, asking(attribute)))).toEqual([true, true]);
    expect(NAMED.map((attribute) => allowedTo(NAMES.bakeRole, asking(attribute, 'released')))).toEqual([
      false,
      false,
    ]);
  });

  it.each([NAMES.stewardRole, NAMES.copierRole])(
    'is said by %s, which changes nothing else about an AMI',
    (role) => {
      expect(SHARING.map((attribute) => allowedTo(role, asking(attribute)))).toEqual([true, true, true]);
      expect(NAMED.map((attribute) => allowedTo(role, asking(attribute)))).toEqual([false, false]);
    },
  );

  it('is said by nobody else, as is who may copy its snapshots, which is never everybody', () => {
    const others = [theHub, ...targets.values()]
      .flatMap(rolesOf)
      .filter(({ statements }) => allowing(statements, asking(undefined)).length > 0);
    const both = [NAMES.copierRole, NAMES.stewardRole];
    expect([...new Set(others.map(({ name }) => name))].toSorted()).toEqual(both);
    const giving = (more: Request['context']) => ({
      action: 'ec2:ModifySnapshotAttribute',
      resource: `arn:aws:ec2:${region}::snapshot/snap-1`,
      context: { 'aws:RequestedRegion': region, ...more },
    });
    const ofRelease = { 'aws:ResourceTag/packleader:release': 'base@1.4.0' };
    const mayGive = (request: Request) =>
      [
        ...new Set(
          [theHub, ...targets.values()]
            .flatMap(rolesOf)
            .filter(({ statements }) => allowing(statements, request).length > 0)
            .map(({ name }) => name),
        ),
      ].toSorted();
    expect(mayGive(giving({ ...ofRelease, 'ec2:Add/userId': '333333333333' }))).toEqual(both);
    expect(mayGive(giving({ ...ofRelease, 'ec2:Add/group': 'all' }))).toEqual([]);
    expect(mayGive(giving({ 'ec2:Add/userId': '333333333333' }))).toEqual([]);
  });

  it('is said of no snapshot where nothing is copied', () => {
    const statements = rolesOf(target({ factory, accountId })).flatMap((role) => role.statements);
    expect(JSON.stringify(statements)).not.toContain('SnapshotAttribute');
    expect(JSON.stringify(roleNamed(accountId, NAMES.stewardRole).statements)).toContain('SnapshotAttribute');
  });
});

describe('the evaluation these laws rest on', () => {
  const statement = (more: Partial<Statement>): Statement => ({
    Effect: 'Allow',
    Action: ['ec2:TerminateInstances'],
    Resource: ['arn:aws:ec2:*:111111111111:instance/*'],
    ...more,
  });
  const request: Request = {
    action: 'ec2:TerminateInstances',
    resource: `arn:aws:ec2:${region}:111111111111:instance/i-1`,
    context: { 'aws:ResourceTag/packleader:release': 'base@1', 'aws:TagKeys': ['a', 'b'] },
  };
  const allows = (more: Partial<Statement>) => allowing([statement(more)], request).length > 0;

  it.each<[string, Partial<Statement>, boolean]>([
    ['the action and the resource match', {}, true],
    ['the action differs in case only', { Action: ['EC2:terminateinstances'] }, true],
    ['the action is another', { Action: ['ec2:StopInstances'] }, false],
    ['the resource is in another account', { Resource: ['arn:aws:ec2:*:222222222222:instance/*'] }, false],
    [
      'a tag must be there and is',
      { Condition: { StringLike: { 'aws:ResourceTag/packleader:release': '?*' } } },
      true,
    ],
    [
      'a tag must be there and is not',
      { Condition: { StringLike: { 'aws:ResourceTag/other': '?*' } } },
      false,
    ],
    [
      'a value must be another',
      { Condition: { StringNotEquals: { 'aws:ResourceTag/packleader:release': 'base@1' } } },
      false,
    ],
    [
      'a value must be another, in whatever case',
      {
        Condition: {
          StringNotEqualsIgnoreCase: { 'aws:ResourceTag/packleader:release': 'BASE@1' },
        },
      },
      false,
    ],
    [
      'every tag key is listed',
      { Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a', 'b', 'c'] } } },
      true,
    ],
    [
      'a tag key is not listed',
      { Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['a'] } } },
      false,
    ],
    ['a key must be absent and is', { Condition: { Null: { 'codebuild:source.buildspec': 'true' } } }, true],
    ['a key must be absent and is not', { Condition: { Null: { 'aws:TagKeys': 'true' } } }, false],
    ['a variable has no value', { Resource: ['arn:aws:ec2:*:${aws:PrincipalAccount}:instance/*'] }, false],
  ])('when %s', (_, more, expected) => {
    expect(allows(more)).toBe(expected);
  });

  it('fails on an operator that it does not know', () => {
    expect(() => allows({ Condition: { DateGreaterThan: { 'aws:MultiFactorAuthAge': '300' } } })).toThrow(
      'Nothing here evaluates the condition operator DateGreaterThan',
    );
  });

  it('lets a denial win', () => {
    expect(allowing([statement({}), statement({ Effect: 'Deny', Action: ['ec2:*'] })], request)).toEqual([]);
  });
});
