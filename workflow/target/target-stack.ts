import { Annotations, Aws, CfnParameter, Stack, type StackProps } from 'aws-cdk-lib';
import {
  ArnPrincipal,
  type Conditions,
  type IPrincipal,
  InstanceProfile,
  PolicyStatement,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { type Factory, approvalsOf } from '../../core/configuration/factory.ts';
import { NAMES, bucketName, roleArn } from '../../core/contract/names.ts';
import { stewards } from '../../core/contract/tasks.ts';
import { AGENT_CHANNELS } from './agent-channels.ts';
import { BAKE_WILDCARDS, bakePolicy } from './bake-policy.ts';
import { BakeProject } from './bake-project.ts';
import { type BakeVpc, runInVpc } from './bake-vpc.ts';
import { setFeatureFlags } from '../constructs/feature-flags.ts';
import { CustomerKey } from '../constructs/customer-key.ts';
import { FixedRole } from '../constructs/fixed-role.ts';
import { COPIER_WILDCARDS, copierPolicy } from './copier-policy.ts';
import { orchestratorPolicy } from './orchestrator-policy.ts';
import { BAKE_BATCH_ROLE, SCHEDULED_REBUILD, taskRole, triggerRole } from '../constructs/role-names.ts';
import { retiringPolicy } from './retiring-policy.ts';
import { STEWARD_WILDCARDS, stewardPolicy } from './steward-policy.ts';
import { bakeProjectArn } from './target-arns.ts';
import { TESTER_WILDCARDS, testedPolicy, testerPolicy } from './tester-policy.ts';
import { type Downloads, type PinnedTool, buildsOf } from '../constructs/build-projects.ts';

export interface TargetStackProps extends StackProps, Downloads {
  readonly factory: Factory;
  /** The account it is deployed to; default: any, as a StackSet does, with the regions of its targets as a parameter. */
  readonly accountId?: string;
  /** Default: the build image must have Packer 1.11 or newer. */
  readonly packer?: PinnedTool;
  /** Default: no template connects by Session Manager. */
  readonly sessionManagerPlugin?: PinnedTool;
  /** The name of the secret, beginning with `packleader/`, with a token for GitHub, where plugins are. Default: Packer asks without. */
  readonly pluginTokenSecret?: string;
  /** Where the account's builds run, in the hub's region. Default: in no VPC, from where no builder's private address is reached. */
  readonly bakeVpc?: BakeVpc;
  /** Whether builders may be Spot Instances; as in the hub. Default: they are on demand. */
  readonly spotBuilders?: boolean;
  /** Whether the builder of a bake that failed may be kept, in an account of the first stage; as in the hub. Default: it is not. */
  readonly keepBuilders?: boolean;
  /** Whether AMIs may be booted and tested; as in the hub. Default: they are not. */
  readonly testAmis?: boolean;
  /** Whether AMIs may be copied from one target to another; as in the hub. Default: they are not. */
  readonly copyAmis?: boolean;
  /** Whether keys of the accounts' own encrypt what packleader keeps; as in the hub. Default: keys of AWS's do. */
  readonly customerKey?: boolean;
  /** Whether the hub retires versions; as there. Default: it may not. */
  readonly retires?: boolean;
}

/**
 * What stands in each target account, in the hub's region: the project that bakes, and the roles for the hub and for it.
 * Everything in it has a fixed name, so hub and targets can be deployed in any order.
 */
export class TargetStack extends Stack {
  constructor(scope: Construct, id: string, props: TargetStackProps) {
    const {
      factory,
      accountId: named,
      packer,
      sessionManagerPlugin,
      pluginTokenSecret,
      plugins,
      downloads,
      bakeVpc: vpc,
      customerKey = false,
      spotBuilders = false,
      keepBuilders = false,
      testAmis = false,
      copyAmis = false,
      retires = false,
      ...rest
    } = props;
    const { hub } = factory;
    super(scope, id, {
      ...rest,
      env: { ...(named !== undefined && { account: named }), region: hub.region },
    });
    setFeatureFlags(this);
    const accountId = named ?? Aws.ACCOUNT_ID;
    const targets = factory.stages.flatMap((stage) => stage.targets);
    if (customerKey) new CustomerKey(this, 'Key');
    const regions =
      named === undefined
        ? this.#regionsParameter([...new Set(targets.map(({ region }) => region))])
        : targets.filter((target) => target.accountId === named).map(({ region }) => region);

    new FixedRole(this, 'Orchestrator', {
      roleName: NAMES.orchestratorRole,
      description: `Lets ${NAMES.bakeBatchMachine} in the hub start, follow and stop bakes.`,
      // Step Functions sends the machine's ARN as external id when it takes on the role of another account.
      trusted: hubRoles(factory, [BAKE_BATCH_ROLE], {
        StringEquals: {
          'sts:ExternalId': `arn:aws:states:${hub.region}:${hub.accountId}:stateMachine:${NAMES.bakeBatchMachine}`,
        },
      }),
      statements: orchestratorPolicy(accountId, hub),
      wildcards: {},
    });
    new FixedRole(this, 'Steward', {
      roleName: NAMES.stewardRole,
      description: 'Lets the tasks in the hub look at AMIs, tag, publish and deregister them.',
      trusted: hubRoles(factory, [
        ...stewards({
          retiring: retires,
          tests: testAmis,
          copies: copyAmis,
          scans: false,
          approval: false,
          retry: factory.retry !== undefined,
        }).map(taskRole),
        triggerRole(SCHEDULED_REBUILD),
      ]),
      statements: [
        ...stewardPolicy(accountId, hub.region, {
          deprecatesAmis: factory.deprecatesAmis === true,
          spotBuilders,
          asksApproval: Object.keys(approvalsOf(factory)).length > 0,
          retires,
          sharesAmis: copyAmis,
        }),
        ...(retires ? retiringPolicy(accountId) : []),
      ],
      wildcards: STEWARD_WILDCARDS,
    });
    const bake = new FixedRole(this, 'Bake', {
      roleName: NAMES.bakeRole,
      description: 'What Packer needs to bake an AMI.',
      trusted: buildsOf(bakeProjectArn(accountId, hub.region)),
      statements: bakePolicy({
        accountId,
        // The network interface of a build in a VPC is where the project is.
        regions: vpc ? [...new Set([...regions, hub.region])] : regions,
        hub,
        bucketName: bucketName(factory),
        bucketHasKey: customerKey,
        spotBuilders,
        keepBuilders: keepBuilders && mayKeep(factory, named),
        readsPluginToken: pluginTokenSecret !== undefined,
        readsTools: downloads === 'bucket',
      }),
      wildcards: BAKE_WILDCARDS,
    });
    const project = new BakeProject(this, 'BakeProject', {
      // CDK would add permissions of its own; the policy above is all there is.
      role: bake.withoutPolicyUpdates(),
      bucketName: bucketName(factory),
      spotBuilders,
      ...(packer && { packer }),
      ...(sessionManagerPlugin && { sessionManagerPlugin }),
      ...(pluginTokenSecret !== undefined && { pluginTokenSecret }),
      ...(plugins && { plugins }),
      ...(downloads !== undefined && { downloads }),
    });
    if (vpc) runInVpc(project, bake, vpc, { accountId, region: hub.region });
    new InstanceProfile(this, 'Builder', {
      instanceProfileName: NAMES.builder,
      role: new FixedRole(this, 'BuilderRole', {
        roleName: NAMES.builder,
        description: 'What an instance may do while it is baked: talk to Session Manager.',
        trusted: new ServicePrincipal('ec2.amazonaws.com'),
        statements: builderPolicy(),
        wildcards: { '*': 'The channels of the agent, and its registration, have no ARN.' },
      }),
    });
    if (testAmis) this.#tester(factory, accountId);
    if (copyAmis) this.#copier(factory, accountId);
    if (!packer) {
      Annotations.of(this).addWarningV2(
        'packleader:packer',
        'No Packer is pinned (packer in packleader.config, which packleader pin writes): bakes need a build image that has one.',
      );
    }
  }

  /** A role of its own: the steward must read no key, and launching an AMI that is encrypted takes one. */
  #tester(factory: Factory, accountId: string): void {
    new FixedRole(this, 'Tester', {
      roleName: NAMES.testerRole,
      description: 'Lets a task in the hub boot the AMIs of a release, and run their tests.',
      trusted: hubRoles(factory, [taskRole('test-amis')]),
      statements: testerPolicy(accountId),
      wildcards: TESTER_WILDCARDS,
    });
    new InstanceProfile(this, 'Tested', {
      instanceProfileName: NAMES.tested,
      role: new FixedRole(this, 'TestedRole', {
        roleName: NAMES.tested,
        description: 'What an instance may do while it is tested: be sent commands.',
        trusted: new ServicePrincipal('ec2.amazonaws.com'),
        statements: testedPolicy(),
        wildcards: { '*': 'The channels of the agent, and its registration, have no ARN.' },
      }),
    });
  }

  /** A role of its own: the steward must read no key, and a copy takes two, one of them in another account. It does all that copying takes, on
   *  both sides: two roles of a thousand accounts would be more than a role of the hub can name. */
  #copier(factory: Factory, accountId: string): void {
    new FixedRole(this, 'Copier', {
      roleName: NAMES.copierRole,
      description: 'Lets a task in the hub copy the AMIs of a release into this account, and from it.',
      trusted: hubRoles(factory, [taskRole('copy-amis')]),
      statements: copierPolicy(accountId),
      wildcards: COPIER_WILDCARDS,
    });
  }

  #regionsParameter(regions: readonly string[]): string[] {
    return new CfnParameter(this, 'Regions', {
      type: 'CommaDelimitedList',
      description: 'The regions of the targets in the account. Its bakes may touch no other.',
      default: regions.join(','),
    }).valueAsList;
  }
}

/** In no account that has targets of later stages only; a StackSet's template is for any account. */
const mayKeep = ({ stages }: Factory, accountId: string | undefined): boolean =>
  accountId === undefined || stages[0]?.targets.some((target) => target.accountId === accountId) === true;

/**
 * AWS's managed policy AmazonSSMManagedInstanceCore would let every script of a template read all parameters of the account.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-add-permissions-to-existing-profile.html
 */
function builderPolicy(): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'TalkToSessionManager',
      actions: [...AGENT_CHANNELS],
      resources: ['*'], // The agent's own channels: none of these takes a resource that is known before it runs.
    }),
  ];
}

/** Roles of the hub by their names; see role-names.ts for why the principal is the account. */
function hubRoles({ hub }: Factory, names: readonly string[], conditions: Conditions = {}): IPrincipal {
  return new ArnPrincipal(`arn:aws:iam::${hub.accountId}:root`).withConditions({
    ...conditions,
    ArnEquals: { 'aws:PrincipalArn': names.map((name) => roleArn(hub.accountId, name)) },
  });
}
