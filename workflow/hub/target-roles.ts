import { type IRole, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { ACCOUNTS_PER_POLICY } from '../../core/contract/limits.ts';
import { roleArn } from '../../core/contract/names.ts';

export interface TargetRolesProps {
  /** Its name in every target account. */
  readonly roleName: string;
  readonly accountIds: readonly string[];
}

/**
 * One role in every target account, by its exact ARNs. As long as they fit beside what a role of the hub may do besides, they are in
 * its own policy. Beyond, they are in managed policies that all roles of the hub share: each would otherwise hold them again, and at a
 * thousand accounts the template would be too large.
 */
export class TargetRoles extends Construct {
  readonly #arns: readonly string[];
  readonly #shared: readonly ManagedPolicy[];

  constructor(scope: Construct, id: string, { roleName, accountIds }: TargetRolesProps) {
    super(scope, id);
    this.#arns = accountIds.map((accountId) => roleArn(accountId, roleName));
    this.#shared =
      this.#arns.length <= ACCOUNTS_PER_POLICY
        ? []
        : Array.from(
            { length: Math.ceil(this.#arns.length / ACCOUNTS_PER_POLICY) },
            (_, index) =>
              new ManagedPolicy(this, `Accounts${index + 1}`, {
                description: `Lets roles of packleader's hub take on ${roleName} in target accounts.`,
                statements: [
                  assume(this.#arns.slice(index * ACCOUNTS_PER_POLICY, (index + 1) * ACCOUNTS_PER_POLICY)),
                ],
              }),
          );
  }

  /** Lets what runs in the hub take them on. */
  letAssume({ role }: { readonly role?: IRole }): void {
    if (!role) throw new Error(`${this.node.path} is for what has a role`);
    if (this.#shared.length === 0) role.addToPrincipalPolicy(assume(this.#arns));
    for (const policy of this.#shared) policy.attachToRole(role);
  }
}

const assume = (resources: readonly string[]) =>
  new PolicyStatement({ actions: ['sts:AssumeRole'], resources: [...resources] });
