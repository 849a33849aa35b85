import { Annotations, Stack, type StackProps } from 'aws-cdk-lib';
import {
  ArnPrincipal,
  type Conditions,
  type IPrincipal,
  InstanceProfile,
  ManagedPolicy,
  Role,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Factory } from '../tasks/configuration/factory.ts';
import { NAMES, roleArn } from '../tasks/contract.ts';
import { bakePolicy } from './bake-policy.ts';
import { BakeProject, type PinnedTool } from './bake-project.ts';
import { FixedRole } from './fixed-role.ts';
import { bucketName } from './hub-stack.ts';
import { orchestratorPolicy } from './orchestrator-policy.ts';
import { BAKE_BATCH_ROLE, BUILDER, SCHEDULED_REBUILD, taskRole, triggerRole } from './role-names.ts';
import { stewardPolicy } from './steward-policy.ts';
import { bakeProjectArn, buildsOf } from './target-arns.ts';
import { STEWARDS } from './task-functions.ts';

export interface TargetStackProps extends StackProps {
  readonly factory: Factory;
  /** The account it is deployed to. */
  readonly accountId: string;
  /** Default: the build image must have Packer 1.11 or newer. */
  readonly packer?: PinnedTool;
  /** Default: no template connects by Session Manager. */
  readonly sessionManagerPlugin?: PinnedTool;
}

/**
 * What stands in each target account, in the hub's region: the project that bakes, and the roles for the hub and for it.
 * Everything in it has a fixed name, so hub and targets can be deployed in any order.
 */
export class TargetStack extends Stack {
  constructor(scope: Construct, id: string, props: TargetStackProps) {
    const { factory, accountId, packer, sessionManagerPlugin, ...rest } = props;
    const { hub } = factory;
    super(scope, id, { ...rest, env: { account: accountId, region: hub.region } });
    const targets = factory.stages.flatMap((stage) => stage.targets);
    const regions = targets.filter((target) => target.accountId === accountId).map(({ region }) => region);

    new FixedRole(this, 'Orchestrator', {
      roleName: NAMES.orchestratorRole,
      description: `Lets ${NAMES.bakeBatchMachine} in the hub start, follow and stop bakes.`,
      // Step Functions sends the machine's ARN as external id when it takes on the role of another account.
      trusted: hubRoles(factory, [BAKE_BATCH_ROLE], {
        StringEquals: {
          'sts:ExternalId': `arn:aws:states:${hub.region}:${hub.accountId}:stateMachine:${NAMES.bakeBatchMachine}`,
        },
      }),
      statements: orchestratorPolicy(accountId, hub.region),
    });
    new FixedRole(this, 'Steward', {
      roleName: NAMES.stewardRole,
      description: 'Lets the tasks in the hub look at AMIs, tag, publish and deregister them.',
      trusted: hubRoles(factory, [...STEWARDS.map(taskRole), triggerRole(SCHEDULED_REBUILD)]),
      statements: stewardPolicy(accountId, hub.region),
    });
    const bake = new FixedRole(this, 'Bake', {
      roleName: NAMES.bakeRole,
      description: 'What Packer needs to bake an AMI.',
      trusted: buildsOf(bakeProjectArn(accountId, hub.region)),
      statements: bakePolicy({ accountId, regions, hubRegion: hub.region, bucketName: bucketName(factory) }),
    });
    new BakeProject(this, 'BakeProject', {
      // CDK would add permissions of its own; the policy above is all there is.
      role: bake.withoutPolicyUpdates(),
      bucketName: bucketName(factory),
      ...(packer && { packer }),
      ...(sessionManagerPlugin && { sessionManagerPlugin }),
    });
    new InstanceProfile(this, 'Builder', {
      instanceProfileName: BUILDER,
      role: new Role(this, 'BuilderRole', {
        roleName: BUILDER,
        description: 'What an instance may do while it is baked: talk to Session Manager.',
        assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
        managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
      }),
    });
    if (!packer) {
      Annotations.of(this).addWarningV2(
        'packleader:packer',
        'No Packer is pinned ("packleader:packer" in cdk.json): bakes need a build image that has one.',
      );
    }
  }
}

/** Roles of the hub by their names; see role-names.ts for why the principal is the account. */
function hubRoles({ hub }: Factory, names: readonly string[], conditions: Conditions = {}): IPrincipal {
  return new ArnPrincipal(`arn:aws:iam::${hub.accountId}:root`).withConditions({
    ...conditions,
    ArnEquals: { 'aws:PrincipalArn': names.map((name) => roleArn(hub.accountId, name)) },
  });
}
