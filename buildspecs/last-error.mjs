// Finds what matters in the log of a Packer that failed, in one line that may leave the account: it stands in the cause of the
// execution, in the event, and in mails.
import { plainText } from './plain-text.mjs';

const LONGEST = 600;
/** How many lines of a provisioner go before the reason. */
const LINES = 3;

const HIDDEN = '***';
/** Packer hides what a template declares sensitive; this is for what a script prints of its own accord. */
const CREDENTIALS = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)/gs,
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\b(gh[pousr]|github_pat|glpat)[_-][A-Za-z0-9_-]{16,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /(?<=:\/\/)[^\s/@]+(?=@)/g,
  /(?<=\b(authorization|x-[a-z-]*token)["']?\s*[:=]\s*)[^\n]+/gi,
  /(?<=(passw(or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key)["']?\s*[:=]\s*["']?)[^\s"',;]+/gi,
];

/**
 * The reason that Packer gives, after the last lines of the provisioner that failed; without a reason the last lines there are.
 * @param {string} log
 * @param {readonly string[]} secrets none of them is in the result, however it is written
 * @returns {string}
 */
export function lastError(log, secrets) {
  const lines = hide(plainText(log), secrets)
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:]+Z: /, '').trimEnd())
    .filter((line) => line !== '');
  const [, reason] =
    lines.map((line) => /^Build '.*?' errored[^:]*: (.+)$/.exec(line)).findLast(Boolean) ?? [];
  const told = reason === undefined ? lines.filter(isOwn).slice(-LINES) : [...before(lines, reason), reason];
  const line = told.map((text) => text.replaceAll(/\s+/g, ' ').trim()).join(' | ');
  return line.length <= LONGEST ? line : `…${line.slice(1 - LONGEST)}`;
}

/** What a provisioner printed, just before Packer told of the failure for the first time: `    <build>: <text>`.
 * @param {readonly string[]} lines
 * @param {string} reason
 */
function before(lines, reason) {
  const failedAt = lines.findIndex((line) => line.startsWith('==> ') && line.endsWith(`: ${reason}`));
  const printed = [];
  for (const line of lines.slice(0, Math.max(failedAt, 0)).toReversed()) {
    const [, text] = /^(?:==> | {4})[\w.-]+: (.+)$/.exec(line) ?? [];
    // Packer writes what a script says on stderr like a message of its own, and begins each step with a capital and a verb.
    if (text === undefined || text.startsWith('Provisioning with ') || printed.length === LINES) break;
    printed.unshift(text);
  }
  return printed;
}

/** Not one of the lines with which Packer ends, whatever happened.
 * @param {string} line */
const isOwn = (line) => !/^(==> (Wait completed|Builds finished|Some builds)|-->)/.test(line);

/**
 * @param {string} text
 * @param {readonly string[]} secrets
 */
function hide(text, secrets) {
  const forms = secrets.flatMap((secret) => [
    secret,
    ...secret.split('\n'),
    ...plainText(secret).split('\n'),
    ...leaves(secret),
    ...leaves(secret).map(plainText),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    encodeURIComponent(secret),
  ]);
  // The longest first: one secret may be a part of another.
  const own = [...new Set(forms.map((form) => form.trim()))]
    .filter((form) => form.length > 2)
    .sort((a, b) => b.length - a.length)
    .reduce((rest, form) => rest.replaceAll(form, HIDDEN), text);
  return CREDENTIALS.reduce((rest, pattern) => rest.replaceAll(pattern, HIDDEN), own);
}

/** The texts in a secret that is JSON.
 * @param {string} secret
 * @returns {string[]} */
function leaves(secret) {
  try {
    return textsIn(JSON.parse(secret));
  } catch {
    return [];
  }
}

/**
 * @param {unknown} value
 * @returns {string[]}
 */
function textsIn(value) {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsIn);
  return typeof value === 'string' ? [value] : [];
}
