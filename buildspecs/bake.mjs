// Bakes one image in one region with Packer, from the bytes that every account bakes from.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { BUILDER_PAUSE, again, halfTime, healingOfInit } from './again.mjs';
import { describe, getObject, getParameter, getSecretValue } from './aws.mjs';
import { endBuild, keepBuilder, removeBuilders } from './builders.mjs';
import { choicesOf, hasNoAmi, noBuilder } from './builder-choices.mjs';
import { lastError } from './last-error.mjs';
import {
  SLUG,
  argumentsOf,
  directoryOf,
  download,
  fetchPinned,
  fetchSource,
  installPlugins,
  packerCommand,
  readOverlay,
} from './packer.mjs';
import { sessionManagerPluginUrl } from './pinned-tools.mjs';
import {
  eachLine,
  environment,
  exportVariable,
  main,
  required,
  run,
  say,
  sha256Of,
  started,
} from './program.mjs';

/** What CodeBuild uploads when the build has ended, however it ended. */
const RECORD = 'record';
const LOG = join(RECORD, 'packer.log');
const MANIFEST = 'packer-manifest.json';
/** Which builders were asked for, and what EC2 said; the last one baked. */
const BUILDERS = 'builders.json';
const PACKAGES = 'package-manifest.tsv';
/** Enough of a log to hold the reason of a failure: Packer's clean-up comes after it. */
const TAIL = 64 * 1024;

// `node bake.mjs end` is the end of every build.
await main(process.argv[2] === 'end' ? endBuild : bakeImage);

async function bakeImage() {
  mkdirSync(RECORD);
  appendFileSync(LOG, '');
  const release = required('PACKLEADER_RELEASE', new RegExp(`^${SLUG}@[0-9A-Za-z.-]+$`));
  const image = required('PACKLEADER_IMAGE', new RegExp(`^${SLUG}$`));
  const region = required('PACKLEADER_REGION', /^[a-z]{2}(-[a-z]+)+-\d$/);
  const bucket = required('PACKLEADER_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
  const sourceKey = required('PACKLEADER_SOURCE_KEY', /^sources\/[0-9a-f]{40}-[0-9a-f]{12}\.zip$/);
  const sha256 = required('PACKLEADER_SOURCE_SHA256', /^[0-9a-f]{64}$/);
  const prefix = required('PACKLEADER_PLAN_PREFIX', new RegExp(`^plans/[^/]+/${SLUG}$`));
  const sourceAmi = required('PKR_VAR_source_ami', /^ami-[0-9a-f]{8,17}$/);

  const [{ variables, defaults, secrets, template, overlay, choices }, packer] = await Promise.all([
    fetchVariables(bucket, prefix, region),
    packerCommand(),
    fetchSource(bucket, sourceKey, sha256),
    installSessionManagerPlugin(),
  ]);
  const directory = directoryOf(image, template, overlay);
  // What an earlier build on someone's laptop left in the repository is not ours.
  for (const left of [MANIFEST, PACKAGES, `${PACKAGES}.sha256`])
    rmSync(join(directory, left), { force: true });
  const until = halfTime(defaults.timeout_minutes);
  if (!(await installPlugins(packer))) {
    const init = await again(
      async () => runPacker(packer, ['init', '.'], directory, {}),
      ({ ended, log }) => (ended === undefined ? undefined : healingOfInit(log, until)),
    );
    if (init.ended !== undefined) throw failure(init.ended, init.log, {});
  }
  await bake({ release, region, packer, directory, variables, defaults, secrets, overlay, choices, until });
  for (const made of [MANIFEST, PACKAGES])
    if (existsSync(join(directory, made))) copyFileSync(join(directory, made), join(RECORD, made));

  exportVariable('AMI_ID', amiOf(join(directory, MANIFEST), { region, release, sourceAmi }));
  exportVariable('SOURCE_AMI', sourceAmi);
  exportVariable('PACKAGES_SHA256', packagesSha256(directory));
}

/**
 * What the plan tells this target. The variables say by their metadata that there are secrets, so that a missing object is
 * never taken for none, and which template the image takes, which is undefined for an image that stands alone.
 * @param {string} bucket
 * @param {string} prefix
 * @param {string} region
 */
async function fetchVariables(bucket, prefix, region) {
  // arn:aws:codebuild:<region>:<account>:build/<project>:<id>
  const arn = required('CODEBUILD_BUILD_ARN', /^arn:[a-z-]+:codebuild:[^:]+:\d{12}:build\//);
  const target = `${prefix}/${arn.split(':')[4]}-${region}`;
  const variables = resolve('target.pkrvars.json');
  const metadata = await download(bucket, `${target}.pkrvars.json`, variables);
  const { template, overlay: laid } = metadata;
  const [secrets, choices, overlay] = await Promise.all([
    metadata['secrets'] === 'yes' ? told('secrets').then((found) => resolveSecrets(found, region)) : {},
    metadata['builder'] === 'yes' ? told('builder').then((found) => placesOf(found, region)) : [{}],
    laid &&
      download(bucket, `${target}.overlay.json`, 'overlay.json').then(() =>
        readOverlay('overlay.json', laid),
      ),
  ]);
  const all = JSON.parse(readFileSync(variables, 'utf8'));
  return {
    variables,
    defaults: overlay ? all.packleader : all,
    secrets,
    template,
    overlay: overlay || undefined,
    choices,
  };

  async function told(/** @type {string} */ what) {
    return JSON.parse((await getObject(bucket, `${target}.${what}.json`)).body.toString());
  }
}

/**
 * Where the builder may run. Subnets that are told by their tags are looked up now, because an account may get more of them.
 * @param {{ instanceTypes: string[], subnetIds: string[], subnetFilters?: Record<string, string[]>, spot?: true, keepMinutes?: number }} told
 * @param {string} region
 */
async function placesOf({ instanceTypes, subnetIds, subnetFilters, spot, keepMinutes }, region) {
  const found = subnetFilters ? await describe(region, 'DescribeSubnets', 'subnetId', subnetFilters) : [];
  const all = [...new Set([...subnetIds, ...found.toSorted()])];
  if (all.length === 0)
    throw new Error(`No subnet has ${JSON.stringify(subnetFilters)} of network.subnetTags.`);
  return choicesOf(instanceTypes, all, { spot, keepMinutes });
}

/**
 * Packer takes a variable of the environment as it is when it is a string, and as an expression when it is anything else,
 * which JSON is. A template must declare such a variable `sensitive`, or Packer may print it.
 *  @see https://developer.hashicorp.com/packer/docs/templates/hcl_templates/variables#environment-variables
 * @param {Record<string, { secretsManager?: string, ssmParameter?: string }>} references
 * @param {string} region
 * @returns {Promise<Record<string, string>>}
 */
async function resolveSecrets(references, region) {
  const resolved = Object.entries(references).map(async ([name, { secretsManager, ssmParameter }]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new Error(`${JSON.stringify(name)} is no Packer variable.`);
    const value =
      secretsManager === undefined
        ? await getParameter(region, String(ssmParameter))
        : await getSecretValue(region, secretsManager);
    if (typeof value !== 'string') throw new Error(`The secret of the variable ${name} holds no text.`);
    return [`PKR_VAR_${name}`, value];
  });
  return Object.fromEntries(await Promise.all(resolved));
}

/** Packer connects through Session Manager with AWS's plugin, which no CodeBuild image has. */
async function installSessionManagerPlugin() {
  const missing = await started('session-manager-plugin', ['--version'], {}).then(
    () => false,
    ({ cause }) => cause.code === 'ENOENT',
  );
  if (!missing) return;
  const version = environment('PACKLEADER_SESSION_MANAGER_PLUGIN_VERSION');
  const sha256 = environment('PACKLEADER_SESSION_MANAGER_PLUGIN_SHA256');
  if (version === undefined || sha256 === undefined)
    return say(
      'No session-manager-plugin is here or pinned: a template that connects by Session Manager will fail.',
    );
  const file = 'session-manager-plugin.rpm';
  await fetchPinned(sessionManagerPluginUrl(version, process.arch), file, sha256);
  run('rpm', ['--install', file]);
}

/**
 * Bakes where EC2 has room for the builder: in the first place that was chosen, else in the next, else again in all of them. As
 * long as there is no builder there is no AMI, so nothing has to be looked at in between.
 * @param {{ release: string, region: string, packer: string, directory: string, variables: string, defaults: Record<string, any>, secrets: Record<string, string>,
 *   overlay: import('./packer.mjs').Overlay | undefined, choices: import('./builder-choices.mjs').Choice[], until: number }} told
 */
async function bake({
  release,
  region,
  packer,
  directory,
  variables,
  defaults,
  secrets,
  overlay,
  choices,
  until,
}) {
  /** @type {{ instanceType: string, subnetId: string, spot?: true, error?: string }[]} */
  const tried = [];
  let noSpot = false;
  const keepMinutes = choices[0]?.keep_minutes;
  const round = async () => {
    let passes = false;
    /** @type {Awaited<ReturnType<typeof runPacker>>} */
    let last = { log: '' };
    for (const choice of choices) {
      const { spot } = choice;
      // Half of the time is for a builder on demand.
      if (spot && (noSpot || Date.now() > until)) continue;
      /** @type {Record<string, any>} */
      const told = { source_ami: environment('PKR_VAR_source_ami'), ...defaults, ...choice };
      const { instance_type: instanceType, subnet_id: subnetId } = told;
      const chosen = overlay
        ? argumentsOf(overlay, told)
        : Object.entries(choice).map(([name, value]) => `-var=${name}=${value}`);
      // Packer then leaves everything that it made for the builder, whatever fails.
      if (keepMinutes) chosen.push('-on-error=run-cleanup-provisioner');
      const args = ['build', '-color=false', '-timestamp-ui', ...chosen, `-var-file=${variables}`, '.'];
      last = await runPacker(packer, args, directory, secrets);
      const taken = spot && last.ended && hasNoAmi(last.log) && (await wasInterrupted(release, region));
      noSpot ||= Boolean(taken);
      const none = taken ? { code: 'EC2 took the Spot Instance back', passes: true } : noBuilder(last.log);
      tried.push({ instanceType, subnetId, ...(spot && { spot: true }), ...(none && { error: none.code }) });
      writeFileSync(join(RECORD, BUILDERS), JSON.stringify(tried));
      if (none === undefined) return { ...last, passes: false };
      if (keepMinutes) await removeBuilders(release, region);
      passes ||= none.passes;
      say(
        `No builder: ${none.code} for ${instanceType}${spot ? ' on spot' : ''} in ${subnetId || 'the default VPC'}.`,
      );
    }
    return { ...last, passes };
  };
  const { ended, log } = await again(round, (result) =>
    result.passes ? { why: 'EC2 has no builder anywhere.', until, firstPause: BUILDER_PAUSE } : undefined,
  );
  if (ended !== undefined) {
    const why = failure(ended, log, secrets);
    if (keepMinutes && hasNoAmi(log)) await keepBuilder(release, region, keepMinutes, log);
    throw why;
  }
  const { instanceType = '', spot } = tried.at(-1) ?? {};
  exportVariable('BUILDER', `${instanceType}${spot ? ' spot' : ''}`);
}

/**
 * Whether EC2 took a Spot Instance of this release back.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
 * @param {string} release
 * @param {string} region
 */
async function wasInterrupted(release, region) {
  const filters = {
    'tag:packleader:release': [release],
    'state-reason-code': ['Server.SpotInstanceTermination'],
  };
  return (await describe(region, 'DescribeInstances', 'instanceId', filters)).length > 0;
}

/**
 * Runs Packer; what it prints goes to the build's log and into the record. Only exit status 0 is a success, and has no `ended`.
 * @param {string} packer
 * @param {readonly string[]} args
 * @param {string} directory
 * @param {Record<string, string>} secrets
 * @returns {Promise<{ ended?: string, log: string }>}
 */
async function runPacker(packer, args, directory, secrets) {
  const before = statSync(LOG).size;
  const child = spawn(packer, args, {
    cwd: directory,
    env: {
      ...process.env,
      ...secrets,
      CHECKPOINT_DISABLE: '1',
      PACKER_NO_COLOR: '1',
      // For plugins alone: a template could read it.
      ...(args[0] === 'build' && { PACKER_GITHUB_API_TOKEN: '' }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const [from, to] of /** @type {const} */ ([
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ])) {
    eachLine(from, (text) => {
      to.write(text);
      appendFileSync(LOG, text);
    });
  }
  const [status, signal] = await once(child, 'close').catch((/** @type {Error} */ error) => {
    throw new Error(`packer ${args[0]} could not be run: ${error.message}`);
  });
  if (status === 0) return { log: '' };
  const log = readFileSync(LOG).subarray(before).toString();
  return { ended: `packer ${args[0]} failed: ${signal ?? `exit status ${status}`}`, log };
}

/**
 * @param {string} ended
 * @param {string} log
 * @param {Record<string, string>} secrets
 */
function failure(ended, log, secrets) {
  exportVariable('LAST_ERROR', lastError(log.slice(-TAIL), Object.values(secrets)) || ended);
  return new Error(ended);
}

/**
 * The AMI that this run of Packer made, by its manifest: an earlier run may be in the same file.
 * @param {string} file
 * @param {{ region: string, release: string, sourceAmi: string }} expected
 * @returns {string}
 */
function amiOf(file, { region, release, sourceAmi }) {
  if (!existsSync(file))
    throw new Error(`Packer wrote no ${MANIFEST}: the template has no such post-processor.`);
  const { builds, last_run_uuid: lastRun } = JSON.parse(readFileSync(file, 'utf8'));
  say(JSON.stringify({ builds, lastRun }, null, 2));
  const made = builds.filter(
    (/** @type {{ packer_run_uuid: string }} */ build) => build.packer_run_uuid === lastRun,
  );
  if (made.length !== 1) throw new Error(`The manifest has ${made.length} builds of this run, expected one.`);
  const [{ artifact_id: artifact, custom_data: custom }] = made;
  const [, where, imageId] = /^([a-z0-9-]+):(ami-[0-9a-f]+)$/.exec(artifact) ?? [];
  if (imageId === undefined || where !== region)
    throw new Error(`The manifest names ${JSON.stringify(artifact)}, expected one AMI in ${region}.`);
  for (const [name, wanted] of Object.entries({ release, source_ami: sourceAmi })) {
    const told = custom?.[name];
    if (told !== undefined && told !== wanted)
      throw new Error(`The manifest says ${name}=${told}, expected ${wanted}.`);
  }
  return imageId;
}

/**
 * The digest of the list of packages that the image wrote of itself; empty when the template has none.
 * @param {string} directory
 */
function packagesSha256(directory) {
  const list = join(directory, PACKAGES);
  if (!existsSync(list)) return '';
  const found = sha256Of(list);
  const stated = existsSync(`${list}.sha256`) ? readFileSync(`${list}.sha256`, 'utf8').slice(0, 64) : found;
  if (stated !== found) throw new Error(`${PACKAGES} has the SHA-256 ${found}, the image says ${stated}.`);
  return found;
}
