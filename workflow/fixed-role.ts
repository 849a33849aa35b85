import { type IPrincipal, Policy, type PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

export interface FixedRoleProps {
  readonly roleName: string;
  readonly description: string;
  readonly trusted: IPrincipal;
  readonly statements: PolicyStatement[];
}

/** A role with a name and one policy, which is all there is: give constructs its `withoutPolicyUpdates()`. */
export class FixedRole extends Role {
  constructor(scope: Construct, id: string, { roleName, description, trusted, statements }: FixedRoleProps) {
    super(scope, id, { roleName, description, assumedBy: trusted });
    new Policy(this, 'Policy', { policyName: roleName, statements, roles: [this] });
  }
}
