// Fetches one commit, packs its factory directory, and tells per image what changed since its last release.
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve as absolute, join } from 'node:path';
import { getObject, listObjects, putObject } from './aws.mjs';
import { SUBMODULE, checkOut } from './checkout.mjs';
import { outsideName } from './outside.mjs';
import {
  environment,
  exportVariable,
  main,
  required,
  run,
  say,
  sha256Of,
  started,
  statusOf,
} from './program.mjs';

const COMMIT = /^[0-9a-f]{40}$/;
const REPOSITORY = 'source.git';
const PACKED = absolute('packed.git');
const CHECKOUT = absolute('checkout');
/** What no attribute of the factory may do to bytes that are a checkout's already. */
const AS_THEY_ARE = '* -text -ident !filter !working-tree-encoding -export-ignore -export-subst\n';
const CODE_COMMIT = /^https:\/\/git-codecommit(-fips)?\.[a-z0-9-]+\.amazonaws\.com[:/]/i;

await main(async () => {
  const { ref, branch } = requested(required('PACKLEADER_REQUEST', /^/));
  const bucket = required('PACKLEADER_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
  const defaultBranch = required('PACKLEADER_DEFAULT_BRANCH', /^[^-]/);
  const factory = required('PACKLEADER_FACTORY', /^[^-/]/);
  const [newest] = await Promise.all([
    newestReleases(bucket),
    clone(required('PACKLEADER_REPOSITORY', /^[^-]/)),
  ]);

  const commit = resolve(ref ?? `refs/heads/${branch ?? defaultBranch}`);
  const from = branch ?? branchOf(commit, defaultBranch);
  if (!contains(from, commit)) throw new Error(`The commit ${commit} is not on the branch ${from}.`);
  const tree = factory === '.' ? `${commit}:` : `${commit}:${factory}`;
  const file = factory === '.' ? 'factory.yaml' : `${factory}/factory.yaml`;
  if (!objectOf(`${commit}:${file}`)) throw new Error(`The commit ${commit} has no ${file}.`);

  mkdirSync('out', { recursive: true });
  mkdirSync(CHECKOUT);
  const checkout = checkOut(git, { commit, factory }, CHECKOUT);
  const { outside } = checkout;
  pack(checkout, 'out/source.zip');
  const sha256 = sha256Of('out/source.zip');
  const name = `sources/${commit}-${sha256.slice(0, 12)}`;
  writeFileSync(
    'out/changes.json',
    JSON.stringify(await changes({ commit, tree, factory, outside }, bucket, newest, from), null, 2),
  );
  await Promise.all([
    putObject(bucket, `${name}.zip`, 'out/source.zip'),
    putObject(bucket, `${name}.changes.json`, 'out/changes.json'),
  ]);

  exportVariable('COMMIT', commit);
  exportVariable('BRANCH', from);
  exportVariable('SOURCE_KEY', `${name}.zip`);
  exportVariable('SOURCE_SHA256', sha256);
  exportVariable('CHANGES_KEY', `${name}.changes.json`);
});

/**
 * Of the request only what names the commit is read; `Plan releases` judges the rest.
 * @param {string} json
 * @returns {{ ref: string | undefined, branch: string | undefined }}
 */
function requested(json) {
  const { ref, branch } = Object(JSON.parse(json));
  return { ref: named('ref', ref), branch: named('branch', branch) };
}

/**
 * Anything that git could take for an option, an expression or several names is refused here, before git sees it.
 * @param {string} field
 * @param {unknown} value
 * @returns {string | undefined}
 */
function named(field, value) {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && !value.startsWith('-') && !value.includes('\0')) {
    if (statusOf('git', ['check-ref-format', `refs/heads/${value}`]) === 0) return value;
  }
  throw new Error(`The ${field} ${JSON.stringify(value)} is not the name of a commit, a tag or a branch.`);
}

/** @param {string} repository */
async function clone(repository) {
  const env = { GIT_TERMINAL_PROMPT: '0', ...credentialFor(repository) };
  // The whole history, because the last release may be far back; bare, because a
  // working tree would have everything, and only the factory is needed.
  await started('git', ['clone', '--quiet', '--bare', '--', repository, REPOSITORY], env);
  if (git(['rev-parse', '--is-shallow-repository']).trim() === 'true')
    throw new Error(
      `The repository ${repository} is a shallow clone of another, must have its whole history.`,
    );
}

/**
 * How git proves who it is, told by its environment. CodeCommit knows the role of the build, which the AWS CLI signs with, in the
 * region of the URL; anyone else a token from Secrets Manager, which so neither the log nor `ps` shows.
 *  @see https://docs.aws.amazon.com/codecommit/latest/userguide/setting-up-https-unixes.html
 * @param {string} repository
 * @returns {Record<string, string>}
 */
function credentialFor(repository) {
  if (CODE_COMMIT.test(repository)) {
    const signed = { helper: '!aws codecommit credential-helper $@', useHttpPath: 'true' };
    return gitConfig(Object.entries(signed).map(([key, value]) => [`credential.${key}`, value]));
  }
  const token = environment('PACKLEADER_REPOSITORY_TOKEN');
  if (token === undefined) return {};
  if (!repository.startsWith('https://'))
    throw new Error('A repository token needs a repository with an https URL.');
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  return gitConfig([[`http.${new URL(repository).origin}/.extraHeader`, `Authorization: Basic ${basic}`]]);
}

/**
 * @param {readonly (readonly string[])[]} settings
 * @returns {Record<string, string>}
 */
function gitConfig(settings) {
  const told = settings.flatMap(([key = '', value = ''], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return Object.fromEntries([['GIT_CONFIG_COUNT', String(settings.length)], ...told]);
}

/**
 * @param {readonly string[]} args
 * @param {{ env?: Record<string, string>, input?: string }} [told]
 */
function git(args, told = {}) {
  return run('git', ['--git-dir', REPOSITORY, ...args], told);
}

/**
 * The id of what an expression names, or undefined. Every expression starts with `refs/` or hex digits.
 * @param {string} expression
 * @returns {string | undefined}
 */
function objectOf(expression) {
  const args = ['rev-parse', '--verify', '--quiet', expression];
  return statusOf('git', ['--git-dir', REPOSITORY, ...args]) === 0 ? git(args).trim() : undefined;
}

/**
 * The commit that a full id, a tag, a branch or the beginning of an id names.
 * @param {string} ref
 * @returns {string}
 */
function resolve(ref) {
  if (COMMIT.test(ref)) {
    const commit = objectOf(`${ref}^{commit}`);
    if (commit !== undefined) return commit;
    throw new Error(`The repository has no commit ${ref}: it is on no branch and under no tag.`);
  }
  const names = /^refs\/(heads|tags)\//.test(ref) ? [ref] : [`refs/tags/${ref}`, `refs/heads/${ref}`];
  const found = new Set(names.flatMap((name) => objectOf(`${name}^{commit}`) ?? []));
  if (found.size > 1)
    throw new Error(`${ref} is both a tag and a branch: say refs/tags/${ref} or refs/heads/${ref}.`);
  const [commit = /^[0-9a-f]{7,39}$/.test(ref) ? objectOf(`${ref}^{commit}`) : undefined] = found;
  if (commit === undefined)
    throw new Error(`The repository has no commit, tag or branch ${JSON.stringify(ref)}.`);
  return commit;
}

/**
 * The default branch when it has the commit, else the first branch by name that has.
 * @param {string} commit
 * @param {string} defaultBranch
 */
function branchOf(commit, defaultBranch) {
  if (contains(defaultBranch, commit)) return defaultBranch;
  const branches = git(['for-each-ref', '--contains', commit, '--format=%(refname:strip=2)', 'refs/heads']);
  const [branch] = branches.split('\n').filter((name) => name !== '');
  if (branch === undefined) throw new Error(`The commit ${commit} is on no branch.`);
  return branch;
}

/**
 * @param {string} branch
 * @param {string} commit
 */
function contains(branch, commit) {
  if (objectOf(`refs/heads/${branch}`) === undefined)
    throw new Error(`The repository has no branch ${JSON.stringify(branch)}.`);
  return isAncestor(commit, `refs/heads/${branch}`);
}

/**
 * @param {string} commit
 * @param {string} of
 */
function isAncestor(commit, of) {
  const args = ['--git-dir', REPOSITORY, 'merge-base', '--is-ancestor', commit, of];
  const status = statusOf('git', args);
  if (status > 1) throw new Error(`git merge-base failed: exit status ${status}`);
  return status === 0;
}

/**
 * The same files make the same bytes, on any machine and in any year: git sorts the entries, the time is that of a made-up
 * commit, and nothing is compressed, because two versions of zlib compress differently. Links and executable bits are kept.
 * A submodule is an empty directory, which tells whoever reads the zip that it was one.
 * @param {{ root: string, submodules: { path: string, commit: string }[] }} checkout
 * @param {string} file
 */
function pack({ root, submodules }, file) {
  const at = { DATE: '2000-01-01T00:00:00Z', NAME: 'packleader', EMAIL: 'packleader' };
  const env = Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) =>
      Object.entries(at).map(([key, value]) => [`GIT_${who}_${key}`, value]),
    ),
  );
  run('git', ['init', '--quiet', '--bare', '--template=', PACKED]);
  mkdirSync(join(PACKED, 'info'));
  writeFileSync(join(PACKED, 'info', 'attributes'), AS_THEY_ARE);
  const settings = ['core.autocrlf=false', 'core.attributesFile='].flatMap((one) => ['-c', one]);
  /** @param {readonly string[]} args */
  const packed = (args) =>
    run('git', ['--git-dir', PACKED, ...settings, ...args], { env: { ...env, TZ: 'UTC' } });
  packed(['-C', root, '--work-tree=.', 'add', '--all', '--force', '--', '.']);
  for (const { path, commit } of submodules)
    packed(['update-index', '--add', '--cacheinfo', `${SUBMODULE},${commit},${path}`]);
  const made = packed(['commit-tree', '-m', 'packleader', packed(['write-tree']).trim()]).trim();
  packed(['archive', '--format=zip', '-0', `--output=${file}`, made]);
}

/**
 * @param {{ commit: string, tree: string, factory: string, outside: readonly string[] }} source
 * @param {string} bucket
 * @param {Map<string, string>} newest
 * @param {string} branch
 * @returns {Promise<Record<string, { since: string | null, files: string[] }>>}
 */
async function changes(source, bucket, newest, branch) {
  const images = git(['ls-tree', '-d', '-z', '--name-only', source.tree, 'images/']).split('\0');
  const names = images
    .map((path) => path.slice('images/'.length))
    .filter((name) => /^[a-z][a-z0-9-]*$/.test(name));
  const told = names.map(async (name) => {
    const key = newest.get(name);
    return [
      name,
      key === undefined ? { since: null, files: [] } : await changesSince(key, source, bucket, branch),
    ];
  });
  return Object.fromEntries(await Promise.all(told));
}

/**
 * The name in the source of a file of the repository; undefined for one that is not in it.
 * @param {string} path
 * @param {string} factory
 * @param {readonly string[]} outside
 */
function nameInSource(path, factory, outside) {
  if (path === '') return undefined;
  if (factory === '.') return path;
  return path.startsWith(`${factory}/`) ? path.slice(factory.length + 1) : outsideName(outside, path);
}

/**
 * Per image the key of its newest record, by the time in the version: 1.10 is newer than 1.9, and a hotfix of 1.9 that was
 * released after 1.10 is what the image was last released as.
 * @param {string} bucket
 * @returns {Promise<Map<string, string>>}
 */
async function newestReleases(bucket) {
  /** @type {Map<string, { time: string, key: string }>} */
  const newest = new Map();
  for (const key of await listObjects(bucket, 'released/')) {
    const [, image = '', time = ''] = /^released\/([^/]+)\/\d+\.\d+\.(\d{14})\.json$/.exec(key) ?? [];
    if (time > (newest.get(image)?.time ?? '')) newest.set(image, { time, key });
  }
  return new Map([...newest].map(([image, { key }]) => [image, key]));
}

/**
 * @param {string} key
 * @param {{ commit: string, factory: string, outside: readonly string[] }} source
 * @param {string} bucket
 * @param {string} branch
 */
async function changesSince(key, { commit, factory, outside }, bucket, branch) {
  const record = JSON.parse((await getObject(bucket, key)).body.toString('utf8'));
  const since = record?.commit;
  if (typeof since !== 'string' || !COMMIT.test(since))
    throw new Error(`s3://${bucket}/${key} names no commit.`);
  if (objectOf(`${since}^{commit}`) === undefined) {
    // Its branch is gone or was rewritten, so nobody can tell what changed: as if it had never been released.
    say(`${key} was released from ${since}, which the repository no longer has.`);
    return { since: null, files: [] };
  }
  // A push that arrives late, or twice, must not make an older commit the newest release. One that was moved back by force
  // is released: its branch no longer has what was released.
  if (since !== commit && isAncestor(commit, since) && contains(branch, since)) {
    say(`${key} was released from ${since}, which is newer than ${commit}.`);
    return { since, files: [] };
  }
  const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', since, commit];
  const differing = git(args).split('\0');
  return { since, files: differing.flatMap((path) => nameInSource(path, factory, outside) ?? []) };
}
