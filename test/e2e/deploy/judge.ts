/** Whether a role may make a call, by the policies that were deployed: its own, those of what it asks for, and of whom it takes on. */
import { roleArn } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import type { Statement } from '../../fixtures/synthesised.ts';
import { type Request, allowing, allowingPrincipal } from '../../invariants/permissions/evaluate.ts';
import { grantLine } from './permissions.ts';
import type { Inventories } from './read-back.ts';

export interface Caller {
  readonly accountId: string;
  /** The role's name. */
  readonly role: string;
}

export class Judge {
  /** What was deployed, as it was read back last. */
  inventories: Inventories;
  /** What was refused, and was not meant to be. */
  readonly refused: string[] = [];
  /** What was allowed, and by which statement of the caller's role. */
  readonly used: Set<string>;

  /** @param used what was needed before: sessions outlast what is deployed anew */
  constructor(inventories: Inventories, used = new Set<string>()) {
    this.inventories = inventories;
    this.used = used;
  }

  roleOf(arn: string) {
    const [, , , , accountId = ''] = arn.split(':');
    return this.inventories.get(accountId)?.roles.find((role) => role.arn === arn);
  }

  /** Undefined when all of it is allowed; otherwise what is not, and by whom. */
  refusal(caller: Caller, requests: readonly Request[]): string | undefined {
    const arn = roleArn(caller.accountId, caller.role);
    const role = this.roleOf(arn);
    if (!role) return `${arn} was not deployed`;
    for (const request of requests) {
      const why = this.#refusalOfOne(caller, arn, role.statements, request);
      if (why === undefined) continue;
      this.refused.push(
        `${arn}: ${request.action} on ${request.resource}: ${why}; ${JSON.stringify(request.context)}`,
      );
      return `${request.action} on ${request.resource}: ${why}`;
    }
    return undefined;
  }

  #refusalOfOne(
    caller: Caller,
    arn: string,
    own: readonly Statement[],
    request: Request,
  ): string | undefined {
    const principal = { 'aws:PrincipalArn': arn, 'aws:PrincipalAccount': caller.accountId };
    const asked = { ...request, context: { ...request.context, ...principal } };
    const policy = this.#policyOf(request.resource);
    const denials = policy.statements.filter(({ Effect }) => Effect === 'Deny');
    const allowed = allowing([...own, ...denials], asked).filter(({ Effect }) => Effect === 'Allow');
    if (allowed.length === 0) return 'not allowed by the role';
    for (const statement of allowed) this.used.add(grantLine(caller.role, statement, request.action));
    const isOthers = policy.accountId !== undefined && policy.accountId !== caller.accountId;
    // What may use a key says its policy alone, which leaves it to IAM, as a rule, in the key's own account.
    const mustBeAdmitted =
      isOthers || request.action === 'sts:AssumeRole' || request.action.startsWith('kms:');
    if (mustBeAdmitted && allowingPrincipal(policy.statements, asked, caller.accountId).length === 0)
      return `not allowed by the policy of ${request.resource}`;
    return undefined;
  }

  /** Of what is asked for, where it has one: buckets, keys and roles are what other accounts are admitted to. */
  #policyOf(resource: string): { readonly accountId?: string; readonly statements: readonly Statement[] } {
    const [, bucket] = /^arn:aws:s3:::([^/]+)/.exec(resource) ?? [];
    const found = this.inventories.get(HUB.accountId)?.buckets.find(({ name }) => name === bucket);
    if (found) return { accountId: HUB.accountId, statements: found.policy };
    const [, service, accountId] = /^arn:aws:(iam|kms):[^:]*:(\d{12}):(?:role|key)\//.exec(resource) ?? [];
    if (accountId === undefined) return { statements: [] };
    if (service === 'iam') return { accountId, statements: this.roleOf(resource)?.trust ?? [] };
    const key = this.inventories.get(accountId)?.keys.find(({ arn }) => arn === resource);
    return { accountId, statements: key?.policy ?? [] };
  }
}
