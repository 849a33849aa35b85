// Finds what matters in the log of a Packer that failed, in one line that may leave the account: it stands in the cause of the
// execution, in the event, and in mails.
import { plainText } from './plain-text.mjs';

const LONGEST = 600;
/** How many lines of a provisioner go before the reason. */
const LINES = 4;

/** Where a provisioner begins, or a step of one. */
const BEGINS = /^==> [^:]+: (Provisioning with |Running (local|post-)|\w+loading .* => )/;
const ENDS = /^(==> .*: Provisioning step had errors|Build '.*: Post-processor failed): /;
/** Before what a line prints: `    <build>: `, or with an arrow what was on stderr. */
const MARK = /^(==>|   ) [^:]+: /;
/** What Ansible, and the template's own scripts, write before a reason, whatever they write after it. */
const TELLS = /^(fatal|failed): |^\[?(FAILED|ERROR)\b/;
/** Neither a warning, nor indented, nor what `set -x` writes. */
const ERROR =
  /^(?!W:|warning|debconf:|\s|\+ ).*(^E: |\b(err|fatal|fail(?!ed=)|can('|no)t|could not|unable|invalid|no such|not (found|recog)|denied|refused|timed out)|Error: )/i;
/** What says nothing: times, spaces, the stars of Ansible, the count of one error, and what only AWS can decode. */
const EMPTY =
  /^\d{4}-\d\d-\d\dT[\d:]+Z: | +$| \*{9,}|\d+ error\(s\) occurred:\n+\* | ?Encoded authorization failure message: [\w-]+/gm;

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
  const text = hide(plainText(log), secrets).replaceAll(EMPTY, '');
  const lines = text.split('\n');
  const reason = /^Build '.*?' errored[^:]*: (.+)/m.exec(text)?.[1];
  const told = reason === undefined ? lines.filter(isOwn).slice(-LINES) : before(lines);
  // What was JSON is read by now, and may hold a secret in another form.
  const why = hide(plainText(told.join(' | ')), secrets)
    .replaceAll(/\s+/g, ' ')
    .trim();
  const end = why && reason ? ` | ${cut(reason, LONGEST / 3)}` : '';
  return cut(why || reason || '', LONGEST - end.length) + end;
}

/**
 * What matters is in front.
 * @param {string} line
 * @param {number} longest
 */
const cut = (line, longest) => (line.length <= longest ? line : `${line.slice(0, longest - 1)}…`);

/**
 * What was printed of a failure before Packer gave its reason.
 * @param {readonly string[]} lines
 */
function before(lines) {
  const end = lines.findIndex((line) => ENDS.test(line));
  // EC2 says why it did not launch an instance after Packer's own reason.
  if (end === -1) return lines.flatMap((line) => /Instance state change details: (.+)/.exec(line)?.[1] ?? []);
  const start = lines.slice(0, end).findLastIndex((line) => BEGINS.test(line)) + 1;
  const printed = lines.slice(start, end).filter((line) => MARK.test(line));
  const texts = printed.map((line) => line.replace(MARK, ''));
  const told = texts.flatMap((text, at) => {
    const next = texts[at + 1] ?? '';
    if (!TELLS.test(text) || next === '...ignoring') return [];
    return [ofAnsible(text), ...(/^\s+\S/.test(next) ? [next] : [])];
  });
  const task = texts.findLast((text) => /^[A-Z ]+ \[/.test(text));
  if (told.length > 0) return task ? [task, ...told] : told;
  const wrong = texts.filter((text, at) => printed[at]?.startsWith('==') && ERROR.test(text));
  return (wrong.length > 0 ? wrong : texts).slice(-LINES);
}

/**
 * Ansible writes a result as JSON in the order of the alphabet, a long command before the message.
 * @param {string} text
 */
function ofAnsible(text) {
  const [, who, json] = /^(.*? => )(\{.*)/.exec(text) ?? [];
  try {
    const { msg, stderr, module_stderr: more } = JSON.parse(String(json));
    return [who + (msg ?? json), stderr || more].filter(Boolean).join(': ');
  } catch {
    return text;
  }
}

/** Not one of the lines with which Packer ends, whatever happened.
 * @param {string} line */
const isOwn = (line) => !/^(==> (Wait completed|Builds finished|Some builds)|-->|$)/.test(line);

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
