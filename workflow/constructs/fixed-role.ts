import { type IPrincipal, Policy, type PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { type Wildcards, justify } from './wildcards.ts';

export interface FixedRoleProps {
  readonly roleName: string;
  readonly description: string;
  readonly trusted: IPrincipal;
  readonly statements: PolicyStatement[];
  /** Why its statements hold the patterns they hold. */
  readonly wildcards: Wildcards;
}

/** A role with a name and one policy, which is all there is: give constructs its `withoutPolicyUpdates()`. */
export class FixedRole extends Role {
  constructor(
    scope: Construct,
    id: string,
    { roleName, description, trusted, statements, wildcards }: FixedRoleProps,
  ) {
    super(scope, id, { roleName, description, assumedBy: trusted });
    new Policy(this, 'Policy', { policyName: roleName, statements, roles: [this] });
    justify(this, wildcards);
  }
}
