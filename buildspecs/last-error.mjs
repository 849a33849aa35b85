// Finds what matters in the log of a Packer that failed, in one line that may leave the account: it stands in the cause of the
// execution, in the event, and in mails.
import { plainText } from './plain-text.mjs';

const LONGEST = 600;
/** How many lines of a provisioner go before the reason. */
const LINES = 4;

/** Where a provisioner begins, or a step of one. */
const BEGINS = /^==> [\w.-]+: (Provisioning with|Uploading|Downloading|Restarting|Running local) /;
/** What Ansible, the template's checks and its PowerShell write before a reason, whatever they write after it. */
const TELLS = /^(fatal|failed): |^FAILED\b|^\[?ERROR\b/;
/** What a line that may be one has in it. */
const ERROR =
  /^E: |\b(err(or)?s?|fatal|fail(ed|ure)?|cannot|can't|could not|unable|invalid|missing|no such|not (found|recognized|permitted|installed)|den(y|ied)|refused|unauthorized|time(d )?-?out|exception)\b(?![=(])|Error: /i;
/** Told on stderr all the same, indented, or what `set -x` writes. */
const HARMLESS = /^(W:|warning|debconf:|Cancelling |\s|\+ )/i;
/** Only who may decode it can read it. */
const ENCODED = / ?Encoded authorization failure message: [\w-]+/g;

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
 * What the provisioner that failed says of it, then the reason that Packer gives; without a reason the last lines there are.
 * @param {string} log
 * @param {readonly string[]} secrets none of them is in the result, however it is written
 * @returns {string}
 */
export function lastError(log, secrets) {
  const lines = hide(plainText(log), secrets)
    .replaceAll(ENCODED, '')
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:]+Z: /, '').trimEnd())
    .filter((line) => line !== '');
  const [, reason] =
    lines.map((line) => /^Build '.*?' errored[^:]*: (.+)$/.exec(line)).findLast(Boolean) ?? [];
  const told = reason === undefined ? lines.filter(isOwn).slice(-LINES) : before(lines);
  const shown = hide(plainText(told.join(' | ')), secrets)
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (reason === undefined || shown === '') return cut(reason ?? shown, LONGEST);
  const last = ` | ${cut(reason, LONGEST / 2)}`;
  return cut(shown, LONGEST - last.length) + last;
}

/**
 * What matters is in front.
 * @param {string} line
 * @param {number} longest
 */
const cut = (line, longest) => (line.length <= longest ? line : `${line.slice(0, longest - 1)}…`);

/** What was printed of a failure before Packer gave its reason: `    <build>: <text>`, or `==> ` before what was on stderr.
 * @param {readonly string[]} lines
 */
function before(lines) {
  const failedAt = lines.findIndex((line) => /^==> .*: Provisioning step had errors: /.test(line));
  if (failedAt === -1) {
    // EC2's own reason, which Packer prints after the one that it gives.
    const details = lines.map((line) => /^==> .*: Instance state change details: (.+)$/.exec(line)?.[1]);
    return details.filter((text) => text !== undefined);
  }
  const from = lines.slice(0, failedAt).findLastIndex((line) => BEGINS.test(line)) + 1;
  const printed = lines.slice(from, failedAt).flatMap((line) => {
    const [, mark, text] = /^(==>| {3}) [\w.-]+: (.+)$/.exec(line) ?? [];
    return text === undefined ? [] : [{ text, isError: mark === '==>' }];
  });
  const telling = tellings(printed.map(({ text }) => text));
  if (telling.length > 0) return telling;
  const clear = printed.filter(({ text }) => !HARMLESS.test(text));
  const wrong = clear.filter(({ text }) => ERROR.test(text));
  const ofStderr = (/** @type {typeof printed} */ of) => of.filter(({ isError }) => isError);
  const found = [ofStderr(wrong), ofStderr(clear.slice(-1)), wrong].find(({ length }) => length > 0);
  return (found ?? printed).slice(-LINES).map(({ text }) => text);
}

/**
 * The lines that say of themselves that they are a reason, with the task before and the detail after.
 * @param {readonly string[]} texts
 */
function tellings(texts) {
  const at = texts.flatMap((text, index) =>
    TELLS.test(text) && texts[index + 1] !== '...ignoring' ? [index] : [],
  );
  const task = texts.slice(0, at[0] ?? 0).findLast((text) => /^(TASK|RUNNING HANDLER) \[/.test(text));
  const told = at.flatMap((index) => {
    const detail = texts[index + 1] ?? '';
    return [ofAnsible(texts[index] ?? ''), ...(/^\s/.test(detail) ? [detail.trim()] : [])];
  });
  return task === undefined ? told : [task.replace(/ \*+$/, ''), ...told];
}

/**
 * Ansible writes a result as JSON in the order of the alphabet, a long command before the message.
 * @param {string} text
 */
function ofAnsible(text) {
  const [, who, json] = /^(.*? => )(\{.*\})$/.exec(text) ?? [];
  try {
    const { msg, stderr, module_stderr: more } = JSON.parse(json ?? '');
    return typeof msg === 'string' ? who + [msg, stderr || more].filter(Boolean).join(': ') : text;
  } catch {
    return text;
  }
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
