/** Step Functions writes every service's fields in PascalCase, whatever the service itself does. */
export const pascalCaseKeys = (value: unknown): unknown =>
  rewriteKeys(value, (letter) => letter.toUpperCase());

/** The way back, for CodeBuild's API. */
export const camelCaseKeys = (value: unknown): unknown =>
  rewriteKeys(value, (letter) => letter.toLowerCase());

function rewriteKeys(value: unknown, rewrite: (letter: string) => string): unknown {
  if (Array.isArray(value)) return value.map((item) => rewriteKeys(item, rewrite));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      rewrite(key.charAt(0)) + key.slice(1),
      rewriteKeys(inner, rewrite),
    ]),
  );
}
