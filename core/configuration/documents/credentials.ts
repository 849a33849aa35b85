/** What a credential looks like, and which names say that a value is one. */

interface CredentialPattern {
  readonly kind: string;
  readonly pattern: RegExp;
}

const PATTERNS: readonly CredentialPattern[] = [
  { kind: 'an AWS access key id', pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g },
  {
    kind: 'a private key',
    pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*-----END [A-Z ]*PRIVATE KEY-----|[\s\S]*)/g,
  },
  {
    kind: 'a GitHub token',
    pattern: /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})/g,
  },
  { kind: 'a Slack token', pattern: /(?<![A-Za-z0-9])xox[a-z]-[A-Za-z0-9-]{10,}/g },
  { kind: 'a GitLab token', pattern: /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{16,}/g },
  { kind: 'an Octopus API key', pattern: /(?<![A-Za-z0-9])API-[A-Z0-9]{20,}(?![A-Za-z0-9])/g },
  { kind: 'a URL with a password', pattern: /[A-Za-z][A-Za-z0-9+.-]*:\/\/[^\s/:@]*:[^\s/@]+@/g },
];

/** The kind of credential that stands somewhere in the text, in words, or undefined. */
export const credentialIn = (text: string): string | undefined =>
  PATTERNS.find(({ pattern }) => text.search(pattern) !== -1)?.kind;

/** The text with every credential replaced by "(not shown)". */
export const redact = (text: string): string =>
  PATTERNS.reduce((shown, { pattern }) => shown.replace(pattern, '(not shown)'), text);

/** AWS secret access keys have no prefix: 40 base64 characters of all kinds, which a commit hash is not. */
export const looksLikeAwsSecretKey = (text: string): boolean =>
  /^[A-Za-z0-9/+=]{40}$/.test(text) && /[A-Z]/.test(text) && /[a-z]/.test(text) && /\d/.test(text);

const SECRET_WORDS = new Set(['password', 'passwd', 'passphrase', 'secret', 'token', 'credential']);
const SECRET_PAIRS = new Set(['apikey', 'privatekey', 'accesskey']);

/** Last words of names that talk about a secret but are none, like `tokenUrl` or `passwordPolicy`. */
const ABOUT_A_SECRET = new Set(
  (
    'age algorithm arn count days enabled endpoint expiry file format hours length limit manager minutes mode name ' +
    'path policy prefix provider region required rotation seconds size store ttl type uri url version'
  ).split(' '),
);

const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');

function isSecretWord(word: string): boolean {
  const singular = word.replace(/s$/, '');
  return SECRET_WORDS.has(singular) || [...SECRET_PAIRS].some((pair) => singular.endsWith(pair));
}

/** Whether any word of the name says "secret", even when the name is only about one. */
export function mentionsSecret(name: string): boolean {
  const words = wordsOf(name);
  return words.some((word, at) => isSecretWord(word) || isSecretWord(`${word}${words[at + 1] ?? ''}`));
}

/** Whether a value of this name is a secret: `dbPassword` and `api_key` are, `tokenTtlSeconds` is not. */
export const namesSecret = (name: string): boolean =>
  mentionsSecret(name) && !ABOUT_A_SECRET.has(wordsOf(name).at(-1) ?? '');

/** Whether even a number of this name is a secret: `password: 123456` is, `maxTokens: 4096` is not. */
export const namesSecretNumber = (name: string): boolean =>
  namesSecret(name) && !(wordsOf(name).at(-1) ?? '').endsWith('s');
