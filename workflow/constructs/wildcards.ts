import { Aspects, Stack, Validations } from 'aws-cdk-lib';
import { CfnManagedPolicy, CfnPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import * as z from 'zod';

/** Why a role needs each pattern among the resources of its policy, by how the resource ends; `*` stands for itself alone. */
export type Wildcards = Readonly<Record<string, string>>;

const policySchema = z.object({
  Statement: z.array(
    z.looseObject({
      Effect: z.string(),
      Resource: z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]),
    }),
  ),
});

/**
 * Tells cdk-nag, and with it whoever reviews the stack, why the patterns in the policies below a construct are as narrow as can
 * be. A pattern that no reason is given for stays a finding, which a test turns into a failure.
 */
export function justify(scope: IConstruct, wildcards: Wildcards): void {
  Aspects.of(scope).add({
    visit(node) {
      if (!(node instanceof CfnPolicy || node instanceof CfnManagedPolicy)) return;
      const { Statement } = policySchema.parse(Stack.of(node).resolve(node.policyDocument));
      const allowed = Statement.filter(({ Effect }) => Effect === 'Allow');
      for (const resource of new Set(allowed.flatMap(({ Resource }) => Resource.map(asNagWrites)))) {
        const reason = reasonFor(resource, wildcards);
        if (reason !== undefined)
          Validations.of(node).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason });
      }
    },
  });
}

/** The reason for the longest ending that fits. */
function reasonFor(resource: string, wildcards: Wildcards): string | undefined {
  if (!resource.includes('*')) return undefined;
  if (resource === '*') return wildcards['*'];
  const [ending] = Object.keys(wildcards)
    .filter((one) => one !== '*' && resource.endsWith(one))
    .sort((a, b) => b.length - a.length);
  return ending === undefined ? undefined : wildcards[ending];
}

/** A resource of a resolved policy as cdk-nag names it: `<Bucket83908E77.Arn>/plans/*`. */
function asNagWrites(resource: unknown): string {
  const reference = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }).safeParse(resource);
  if (reference.success) return `<${reference.data['Fn::GetAtt'].join('.')}>`;
  const name = z.object({ Ref: z.string() }).safeParse(resource);
  if (name.success) return `<${name.data.Ref}>`;
  const joined = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }).safeParse(resource);
  if (joined.success) {
    const [separator, parts] = joined.data['Fn::Join'];
    return parts.map(asNagWrites).join(separator);
  }
  return String(resource).replaceAll(/\$\{([^}]+)\}/g, '<$1>');
}
