/** Refuses secrets in configuration files, without ever repeating them. */
import {
  credentialIn,
  looksLikeAwsSecretKey,
  mentionsSecret,
  namesSecret,
  namesSecretNumber,
} from './credentials.ts';
import type { ConfigNode, ScalarNode } from './nodes.ts';
import { problem, type Path, type Problem } from './problems.ts';

const MUST_BE = 'must be { secretsManager: <name> } or { ssmParameter: <name> }';

/** One problem for every value or key that is, or is named like, a credential. */
export function secretProblems(root: ConfigNode): Problem[] {
  const problems: Problem[] = [];
  const visit = (node: ConfigNode, path: Path, name: string): void => {
    if (node.kind === 'list') node.items.forEach((item, at) => visit(item, [...path, at], name));
    if (node.kind === 'map') {
      for (const [key, value] of node.entries) {
        const kind = credentialIn(key);
        if (kind !== undefined) {
          problems.push(
            problem(value.file, value.line, [...path, key], `found a key that holds ${kind} (not shown)`),
          );
        }
        visit(value, [...path, key], key);
      }
    }
    if (node.kind === 'scalar') {
      const found = secretIn(node, name);
      if (found !== undefined) {
        problems.push(problem(node.file, node.line, path, `found ${found} (not shown), ${MUST_BE}`));
      }
    }
  };
  visit(root, [], '');
  return problems;
}

function secretIn({ value }: ScalarNode, name: string): string | undefined {
  if (typeof value === 'number')
    return namesSecretNumber(name) ? `a plain value under the name of a secret` : undefined;
  if (typeof value !== 'string' || value === '') return undefined;
  const kind = credentialIn(value);
  if (kind !== undefined) return kind;
  if (mentionsSecret(name) && looksLikeAwsSecretKey(value)) return 'an AWS secret access key';
  return namesSecret(name) ? 'a plain value under the name of a secret' : undefined;
}
