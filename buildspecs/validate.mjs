// Lets Packer judge the template of every planned image, with what every stage would tell it, before anything is baked.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { again, halfTime, healingOfInit } from './again.mjs';
import {
  SLUG,
  argumentsOf,
  directoryOf,
  download,
  fetchSource,
  installPlugins,
  packerCommand,
  readOverlay,
} from './packer.mjs';
import { listObjects } from './aws.mjs';
import { atOnce, main, required, say } from './program.mjs';

/**
 * What differs from target to target, and is an id of which the configuration's own check knows the form: of targets that differ in
 * nothing else one stands for all.
 */
const OF_ONE_TARGET = [
  'region',
  'vpc_id',
  'subnet_id',
  'security_group_ids',
  'kms_key_id',
  'instance_profile',
];
const DOWNLOADS_AT_ONCE = 16;
/** What this build may take; its project says it. */
const MINUTES = 29;
/** Stands for what only a bake knows. */
const MADE_UP = { sourceAmi: 'ami-0123456789abcdef0', secret: 'a secret that only the bake knows' };

await main(async () => {
  const bucket = required('PACKLEADER_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
  const sourceKey = required('PACKLEADER_SOURCE_KEY', /^sources\/[0-9a-f]{40}-[0-9a-f]{12}\.zip$/);
  const sha256 = required('PACKLEADER_SOURCE_SHA256', /^[0-9a-f]{64}$/);
  const plans = required('PACKLEADER_PLANS', /^plans\/[^/]+$/);
  const [packer] = await Promise.all([
    packerCommand(),
    fetchPlans(bucket, plans),
    fetchSource(bucket, sourceKey, sha256),
  ]);
  const images = readdirSync('plans').filter((name) => new RegExp(`^${SLUG}$`).test(name));
  if (images.length === 0) throw new Error(`s3://${bucket}/${plans}/ holds no plan.`);
  const isReady = await installPlugins(packer);
  const wrong = [];
  /** @type {Question[]} */
  const questions = [];
  // One after the other: they may install the same plugin into the same place.
  for (const image of images) {
    const { problem, asked } = await initialised(packer, image, isReady);
    if (problem) wrong.push(problem);
    questions.push(...asked);
  }
  wrong.push(...(await atOnce(availableParallelism(), questions, (question) => problemOf(packer, question))));
  const problems = wrong.filter((problem) => problem !== undefined);
  // What is wrong in every set is said once.
  if (problems.length > 0) throw new Error([...new Set(problems)].join('\n'));
  for (const image of images)
    say(
      `${image}: packer validate, with ${questions.filter((question) => question.image === image).length} sets of variables`,
    );
});

/**
 * What Packer is asked of an image: is this set of variables right?
 * @typedef {{ image: string, directory: string, overlay: import('./packer.mjs').Overlay | undefined,
 *   told: Record<string, any>, secrets: string[], file: string }} Question
 */

/** Every plan of the release, a few at a time.
 * @param {string} bucket
 * @param {string} plans
 */
async function fetchPlans(bucket, plans) {
  const keys = await listObjects(bucket, `${plans}/`);
  await atOnce(DOWNLOADS_AT_ONCE, keys, async (key) => {
    const file = join('plans', key.slice(plans.length + 1));
    mkdirSync(dirname(file), { recursive: true });
    await download(bucket, key, file);
  });
}

/**
 * Readies an image for Packer; what Packer is to be asked of it, or why it cannot be.
 * @param {string} packer
 * @param {string} image
 * @param {boolean} isReady whether all plugins are there that may be
 * @returns {Promise<{ problem?: string, asked: Question[] }>}
 */
async function initialised(packer, image, isReady) {
  const planned = join('plans', image);
  const { template, adopted } = JSON.parse(readFileSync(join(planned, 'plan.json'), 'utf8'));
  const laid = readdirSync(planned).find((name) => name.endsWith('.overlay.json'));
  const overlay =
    adopted && laid !== undefined ? readOverlay(join(planned, laid), adopted.overlaySha256) : undefined;
  const directory = directoryOf(image, template, overlay);
  const init = isReady
    ? { status: 0, said: '' }
    : await again(
        () => run(packer, ['init', '.'], directory),
        ({ status, said }) => (status === 0 ? undefined : healingOfInit(said, halfTime(MINUTES))),
      );
  if (init.status !== 0) return { problem: `packer init of ${image}: ${inOneLine(init.said)}`, asked: [] };
  const asked = distinctSets(planned).map(({ told, secrets }, index) => ({
    image,
    directory,
    overlay,
    told,
    secrets,
    file: resolve(`${image}.${index}.pkrvars.json`),
  }));
  return { asked };
}

/**
 * What Packer has against a set of variables.
 * @param {string} packer
 * @param {Question} question
 * @returns {Promise<string | undefined>}
 */
async function problemOf(packer, { image, directory, overlay, told, secrets, file }) {
  const names = [...Object.keys(told), ...secrets];
  // One variable a line, because Packer says which line is wrong.
  const lines = names.map(
    (name) => `${JSON.stringify(name)}: ${JSON.stringify(told[name] ?? MADE_UP.secret)}`,
  );
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
  const asked = overlay
    ? argumentsOf(overlay, { source_ami: MADE_UP.sourceAmi, ...Object(told['packleader']) })
    : [];
  const { status, said } = await run(packer, ['validate', ...asked, `-var-file=${file}`, '.'], directory);
  if (status === 0) return undefined;
  const refused = [...said.matchAll(/^\s*on (\S+) line (\d+)/gm)].map(([, where, line]) =>
    where === file ? names[Number(line) - 2] : undefined,
  );
  // A template may look into a secret, which nobody here has.
  if (refused.length > 0 && refused.every((name) => name !== undefined && secrets.includes(name))) {
    say(
      `${image}: only the bake knows the secret ${[...new Set(refused)].join(' and ')}, which the template checks.`,
    );
    return undefined;
  }
  return `packer validate of ${image}: ${inOneLine(said)}`;
}

/** @param {string} said */
function inOneLine(said) {
  return said.replaceAll('(source code not available)', '').replaceAll(/\s+/g, ' ').trim();
}

/**
 * @param {string} planned
 * @returns {{ told: Record<string, unknown>, secrets: string[] }[]}
 */
function distinctSets(planned) {
  const sets = new Map();
  for (const name of readdirSync(planned).filter((file) => file.endsWith('.pkrvars.json'))) {
    const told = JSON.parse(readFileSync(join(planned, name), 'utf8'));
    const secretsFile = join(planned, name.replace('.pkrvars.', '.secrets.'));
    const secrets = existsSync(secretsFile) ? Object.keys(JSON.parse(readFileSync(secretsFile, 'utf8'))) : [];
    // A template that knows nothing of packleader is told all of it in one variable, and some of it in its own.
    const { packleader = {}, ...others } = told;
    const ids = OF_ONE_TARGET.map((variable) => packleader[variable]);
    const shared = Object.entries({ ...packleader, ...others }).filter(
      ([variable, value]) => !OF_ONE_TARGET.includes(variable) && !ids.includes(value),
    );
    const key = JSON.stringify([shared, secrets]);
    if (!sets.has(key)) sets.set(key, { told, secrets });
  }
  return [...sets.values()];
}

/**
 * @param {string} packer
 * @param {readonly string[]} args
 * @param {string} directory
 * @returns {Promise<{ status: number, said: string }>}
 */
function run(packer, args, directory) {
  const env = {
    ...process.env,
    PKR_VAR_source_ami: MADE_UP.sourceAmi,
    CHECKPOINT_DISABLE: '1',
    PACKER_NO_COLOR: '1',
  };
  return new Promise((done, failed) => {
    const running = execFile(packer, args, { cwd: directory, env }, (error, stdout, stderr) => {
      const status = error ? error.code : 0;
      if (typeof status === 'number') done({ status, said: `${stderr}\n${stdout}`.trim() });
      else failed(new Error(`packer ${args[0]} could not be run: ${error?.message}`));
    });
    running.stdin?.end();
  });
}
