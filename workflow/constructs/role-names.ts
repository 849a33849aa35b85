import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { NAMES, roleArn } from '../../core/contract/names.ts';

/**
 * Fixed, because a target account trusts the hub's roles by name: an account principal with a condition on the role's ARN may
 * be deployed before that role exists, in any order, and survives the role being made anew. A role as the principal itself
 * would do neither.
 */
export const BAKE_BATCH_ROLE = NAMES.bakeBatchMachine;

export const taskRole = (file: string) => `packleader-task-${file}`;
export const triggerRole = (file: string) => `packleader-trigger-${file}`;

/** The trigger that acts in target accounts too: it looks for newer source AMIs. */
export const SCHEDULED_REBUILD = 'scheduled-rebuild';

export const BUILDER = NAMES.builder;

/** CDK moves whole statements into further policies when one outgrows IAM's limit, so none may be too large to move. */
const ACCOUNTS_PER_STATEMENT = 50;

/** Lets a role of the hub take on one role in every target account. */
export function mayAssume(role: string, accountIds: readonly string[]): PolicyStatement[] {
  const resources = accountIds.map((accountId) => roleArn(accountId, role));
  return Array.from(
    { length: Math.ceil(resources.length / ACCOUNTS_PER_STATEMENT) },
    (_, index) =>
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        resources: resources.slice(index * ACCOUNTS_PER_STATEMENT, (index + 1) * ACCOUNTS_PER_STATEMENT),
      }),
  );
}
