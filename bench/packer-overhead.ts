/**
 * `npm run bench:packer`: what packleader adds to Packer. On one moto, with one Packer and the shipped linux-base: `packer init`,
 * `validate` and `build` by hand for dev, then for prod, against a release of the same image into the same two accounts.
 * First with builders that are provisioned at once, then with builders that take 60 s.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { layTemplate } from '../buildspecs/lay-template.mjs';
import { NAMES, bucketName } from '../core/contract/names.ts';
import type { Target } from '../core/contract/targets.ts';
import { LOGIN } from '../test/e2e/factory-files.ts';
import { type Installation, install } from '../test/e2e/installation.ts';
import { answerBuilders, removeStaleMachines } from '../test/e2e/machines.ts';
import { Stand, answerBakes } from '../test/e2e/release.ts';

const DEV: Target = { accountId: '111111111111', region: 'eu-west-1' };
const PROD: Target = { accountId: '222222222222', region: 'eu-west-1' };
/** Far from the networks of the end-to-end cases. */
const NUMBER = 20;
const LIMIT = 1.02;
/** A minute's wait of the workflow takes a sixteenth of a second: Step Functions' polling is AWS's, and its pace is not measured here. */
const SPEED = 960;

const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** What somebody runs who does it by hand, in milliseconds. */
interface Alone {
  readonly validated: number;
  readonly built: number;
}

/** Runs Packer on the image, laid over its template, with the variables that the release planned. */
async function packerAlone(
  stand: Stand,
  { root }: Installation,
  directory: string,
  target: Target,
  seconds: number,
): Promise<Alone> {
  const variables = await plannedVariables(stand, target);
  const file = join(directory, `${target.accountId}.pkrvars.json`);
  const name = `bare-${Date.now()}`;
  const factory = mkdtempSync(join(directory, 'bare-'));
  cpSync(join(stand.made.repository, 'packer'), factory, { recursive: true });
  layTemplate(factory, 'linux-base', 'linux');
  writeFileSync(file, JSON.stringify({ ...variables, ami_name: name }));
  const { accessKeyId, secretAccessKey, sessionToken } = await stand.moto.assume(
    target.accountId,
    NAMES.bakeRole,
  );
  const stop = answerBuilders(await stand.moto.ec2(target), { root, directory, login: LOGIN }, () => ({
    seconds,
  }));
  const cwd = join(factory, 'images', 'linux-base');
  const env = {
    ...stand.environment,
    HOME: directory,
    AWS_ENDPOINT_URL: stand.moto.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    PKR_VAR_source_ami: SOURCE_AMI,
  };
  const packer = (...args: string[]) => timed(args, { cwd, env });
  const validated = (await packer('init', '.')) + (await packer('validate', `-var-file=${file}`, '.'));
  const built = await packer('build', '-color=false', `-var-file=${file}`, '.');
  await stop();
  return { validated, built };
}

/** Runs Packer to its end; returns the milliseconds. */
async function timed(
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<number> {
  const started = performance.now();
  const child = spawn('packer', args, { ...options, stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (code !== 0) throw new Error(`packer ${args[0]} ended with status ${code}.`);
  return performance.now() - started;
}

async function plannedVariables({ made }: Stand, { accountId, region }: Target): Promise<object> {
  const s3 = new S3Client({});
  const Bucket = bucketName(made.factory);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'plans/' }));
  const Key = Contents.map((object) => object.Key ?? '').findLast((key) =>
    key.endsWith(`/${accountId}-${region}.pkrvars.json`),
  );
  if (Key === undefined) throw new Error(`Nothing was planned for ${accountId}/${region}.`);
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return JSON.parse((await Body?.transformToString()) ?? '{}');
}

async function measure(stand: Stand, installation: Installation, directory: string, seconds: number) {
  const { codeBuild } = stand;
  const before = codeBuild.builds.length;
  answerBakes(stand, { root: installation.root, directory, login: LOGIN }, () => ({ seconds }));
  const { wallMs, releases, error } = await stand.release({ images: ['linux-base'] }, () => {}, SPEED);
  if (releases[0]?.outcome !== 'released')
    throw new Error(`The release ended ${releases[0]?.outcome}: ${releases[0]?.error?.cause ?? error}`);
  const builds = codeBuild.builds.slice(before);
  const spent = (name: string) =>
    builds
      .filter(({ project }) => project.name === name)
      .reduce((sum, { startedAt, endedAt = startedAt }) => sum + endedAt - startedAt, 0);
  const dev = await packerAlone(stand, installation, directory, DEV, seconds);
  const prod = await packerAlone(stand, installation, directory, PROD, seconds);
  const built = dev.built + prod.built;
  const byHand = built + dev.validated + prod.validated;
  const fetching = spent(NAMES.fetchSourceProject);
  const validating = spent(NAMES.validateProject);
  const baking = spent(NAMES.bakeProject);
  const ratio = wallMs / byHand;
  const rest = wallMs - fetching - validating - baking;
  say(`Builders that take ${seconds} s:`);
  say(
    `  packer build, twice        ${inSeconds(built)}  (${inSeconds(dev.built)} and ${inSeconds(prod.built)})`,
  );
  say(`  with init and validate     ${inSeconds(byHand)}`);
  say(`  packleader                 ${inSeconds(wallMs)}`);
  say(`    Fetch source             ${inSeconds(fetching)}`);
  say(
    `    Validate templates       ${inSeconds(validating)}  (packer init, packer validate for dev and prod)`,
  );
  say(
    `    bakes, beyond the builds ${inSeconds(baking - built)}  (download, verify, packer init, remove builders)`,
  );
  say(`    everything else          ${inSeconds(rest)}  (tasks, polling every 0.06 s)`);
  say(`  ratio ${ratio.toFixed(3)}, against packer build alone ${(wallMs / built).toFixed(3)}`);
  return ratio;
}

const SOURCE_AMI = 'ami-0deb1a0000000013';

const installation = await install(say);
removeStaleMachines();
const directory = mkdtempSync(join(installation.cache, 'bench-'));
const stand = await Stand.start(installation, directory, { dev: [DEV], prod: [PROD] }, NUMBER);
await measure(stand, installation, directory, 0);
const ratio = await measure(stand, installation, directory, 60);
rmSync(directory, { recursive: true, force: true });
if (ratio >= LIMIT) say(`The ratio ${ratio.toFixed(3)} is not below ${LIMIT}.`);
process.exit(ratio < LIMIT ? 0 : 1);
