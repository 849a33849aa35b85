/**
 * As much of IAM's evaluation as packleader's policies use. Anything else in a policy is refused, so that no statement is
 * judged by guessing. (The library that does all of it is under the AGPL.)
 *  @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import * as z from 'zod';
import type { Statement } from '../../fixtures/synthesised.ts';

/** What a caller asks of IAM for one resource of one call. */
export interface Request {
  /** `ec2:RunInstances` */
  readonly action: string;
  /** An ARN, or `*` where the action takes no resource. */
  readonly resource: string;
  /** Condition keys with their values; a key that the call does not have is absent. */
  readonly context: Readonly<Record<string, string | readonly string[]>>;
}

const conditionSchema = z.record(
  z.string(),
  z.record(
    z.string(),
    z.union([z.string(), z.number(), z.array(z.string())]).transform((value) => [value].flat().map(String)),
  ),
);

/** The statements that allow a request: none when there is none, or when another one denies it. */
export function allowing(statements: readonly Statement[], request: Request): Statement[] {
  const applying = statements.filter((statement) => applies(statement, request));
  return applying.some(({ Effect }) => Effect === 'Deny') ? [] : applying;
}

/** The same for a policy of a resource, which also says whom it is about: an account, by its id or its root, or everybody. */
export function allowingPrincipal(
  statements: readonly Statement[],
  request: Request,
  accountId: string,
): Statement[] {
  const about = statements.filter(({ Principal }) =>
    principalSchema
      .parse(Principal)
      .some((principal) =>
        ['*', accountId, `arn:aws:iam::${accountId}:root`, request.context['aws:PrincipalArn']].includes(
          principal,
        ),
      ),
  );
  return allowing(about, request);
}

const principalSchema = z
  .union([
    z.object({ AWS: z.union([z.string(), z.array(z.string())]) }).transform(({ AWS }) => [AWS].flat()),
    z.object({ Service: z.string() }).transform(() => []),
  ])
  .pipe(z.array(z.string()));

function applies({ Action, Resource, Condition }: Statement, request: Request): boolean {
  return (
    Action.some((pattern) => like(request.action.toLowerCase(), pattern.toLowerCase())) &&
    // A trust policy names no resource: it is about its own role.
    (Resource.length === 0 || Resource.some((pattern) => like(request.resource, fillIn(pattern, request)))) &&
    Object.entries(conditionSchema.parse(Condition ?? {})).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, key, wanted, request)),
    )
  );
}

function holds(operator: string, key: string, wanted: readonly string[], request: Request): boolean {
  const found = request.context[key];
  const values = wanted.map((value) => fillIn(value, request));
  const matching = (one: string, matches: typeof like) => values.some((pattern) => matches(one, pattern));
  switch (operator) {
    case 'StringEquals':
      return typeof found === 'string' && matching(found, equal);
    case 'StringNotEquals':
      return typeof found !== 'string' || !matching(found, equal);
    case 'StringNotEqualsIgnoreCase':
      return typeof found !== 'string' || !matching(found.toLowerCase(), equalIgnoringCase);
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return typeof found === 'string' && matching(found, like);
    case 'Bool':
      return typeof found === 'string' && matching(found, equal);
    case 'NumericLessThan':
      return values.some((limit) => Number(found ?? Number.NaN) < Number(limit));
    case 'Null':
      return matching(String(found === undefined), equal);
    case 'ForAllValues:StringEquals':
      return [found ?? []].flat().every((one) => matching(one, equal));
    default:
      throw new Error(`Nothing here evaluates the condition operator ${operator} (of ${key}).`);
  }
}

/** `${aws:PrincipalAccount}`; a variable without a value matches nothing. */
function fillIn(text: string, { context }: Request): string {
  return text.replaceAll(/\$\{([^}*?$]+)\}/g, (_all, key: string) => {
    const value = context[key];
    return typeof value === 'string' ? value : '\0';
  });
}

const equal = (value: string, pattern: string): boolean => value === pattern;
const equalIgnoringCase = (value: string, pattern: string): boolean => value === pattern.toLowerCase();

const patterns = new Map<string, RegExp>();

/** `*` is any text, `?` one character. */
function like(value: string, pattern: string): boolean {
  let expression = patterns.get(pattern);
  if (!expression) {
    const escaped = pattern.replaceAll(/[.+^$()|[\]{}\\]/g, String.raw`\$&`);
    expression = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
    patterns.set(pattern, expression);
  }
  return expression.test(value);
}
