/**
 * `npm run record:packer`: makes every failure of recordings/kinds.ts happen again, with real Packer, and says which recording is
 * no longer what Packer prints, but for times, ids and versions.
 *
 *     npm run record:packer -- apt dnf       only these
 *     npm run record:packer -- --write       and keeps what is printed now
 *
 * It needs what `npm run e2e` needs: root, namespaces, Debian's packages.
 */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { RegisterImageCommand } from '@aws-sdk/client-ec2';
import pMap from 'p-map';
import { layTemplate } from '../../buildspecs/lay-template.mjs';
import { plainText } from '../../buildspecs/plain-text.mjs';
import { NAMES } from '../../core/contract/names.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { LOGIN } from '../e2e/factory-files.ts';
import { type Installation, install } from '../e2e/installation.ts';
import { answerBuilders, removeStaleMachines } from '../e2e/machines.ts';
import { Moto, type Network } from '../e2e/moto.ts';
import { startPackageProxy } from '../e2e/package-proxy.ts';
import { DEV, HUB } from '../fixtures/accounts.ts';
import { type Answer, KINDS, type Kind } from './recordings/kinds.ts';
import { recordingOf, withoutChance } from './recordings/recordings.ts';

const AT_ONCE = 4;
/** Of the networks that are set aside for benchmarks, one that neither the end-to-end suite nor a benchmark takes. */
const NETWORK = 90;
const SOURCE_AMI = 'ami-0deb1a0000000013';
const FACTORY = join(import.meta.dirname, '..', '..', 'packer');

const say = (line: string): undefined => void process.stdout.write(`${line}\n`);

interface Stand {
  readonly installation: Installation;
  readonly directory: string;
  readonly moto: Moto;
  readonly network: Network;
}

/** Lays the image out as a bake would, and returns the directory that Packer runs in. */
function layOut({ directory }: Stand, kind: Kind): string {
  const factory = join(directory, kind.name);
  const images = join(factory, 'images', kind.name);
  cpSync(join(FACTORY, 'templates'), join(factory, 'templates'), { recursive: true });
  cpSync(join(FACTORY, 'schemas'), join(factory, 'schemas'), { recursive: true });
  cpSync(join(FACTORY, 'images', `${kind.template}-base`), images, { recursive: true });
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(images, name)), { recursive: true });
    writeFileSync(join(images, name), text);
  };
  const templateSource = readFileSync(join(factory, 'templates', kind.template, 'source.pkr.hcl'), 'utf8');
  write(
    'source.pkr.hcl',
    Object.entries(kind.source ?? {}).reduce((text, [from, to]) => {
      if (!text.includes(from)) throw new Error(`The source of ${kind.template} has no ${from}.`);
      return text.replaceAll(from, () => to);
    }, templateSource),
  );
  if (kind.provisioners !== undefined)
    write(
      'build.pkr.hcl',
      `locals {
  as_root  = "sudo env {{ .Vars }} bash {{ .Path }}"
  identity = { image = var.tags["packleader:image"] }
}

build {
  name    = "image"
  sources = ["source.amazon-ebs.image"]

  ${kind.provisioners}
}
`,
    );
  if (kind.windows) write('powershell.sh', powershell(kind.windows));
  for (const [name, text] of Object.entries(kind.files ?? {})) write(name, text);
  layTemplate(factory, kind.name, kind.template);
  return images;
}

/** Answers what Packer asks of PowerShell besides: it removes its scripts in the end. */
function powershell({ out = '', err = '', status }: NonNullable<Kind['windows']>): string {
  const print = (text: string, to: string) =>
    `printf %s ${Buffer.from(text).toString('base64')} | base64 -d >&${to}`;
  return `#!/bin/bash
case "$*" in *packer-cleanup*) exit 0 ;; esac
${print(out, '1')}
sleep 0.3
${print(err, '2')}
exit ${status}`;
}

/** moto, but for what it cannot do. Returns the address and how to end it. */
async function amazon(moto: Moto, { answer = {}, launch }: Kind) {
  const server = createServer((request, response) => {
    const forward = async () => {
      const body = (await request.toArray()).join('');
      const action = new URLSearchParams(body).get('Action') ?? '';
      const told = answer[action];
      if (told) return { status: told.status, type: 'text/xml', text: errorText(told) };
      const { authorization = '' } = request.headers;
      const answered = await fetch(`${moto.endpoint}${request.url}`, {
        method: request.method ?? 'POST',
        headers: { authorization, 'content-type': request.headers['content-type'] ?? '' },
        ...(body !== '' && { body }),
      });
      const text = await answered.text();
      return {
        status: answered.status,
        type: answered.headers.get('content-type') ?? 'text/xml',
        text: launch && action === 'DescribeInstances' ? launched(text, launch) : text,
      };
    };
    forward().then(
      ({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text),
      (error: unknown) => response.writeHead(502).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */
function errorText({ code, message }: Answer): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>${REQUEST}</RequestID></Response>`;
}

const REQUEST = '01791ddf-bb3a-47a0-82ec-6d2026ee1762';
/** @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html */
const STATES: Readonly<Record<string, number>> = { pending: 0, terminated: 48 };

/** EC2 gives a reason only for what it did not launch. */
function launched(text: string, { state, reason }: NonNullable<Kind['launch']>): string {
  const [code, message] = reason ?? ['', ''];
  const because = `<stateReason><code>${code}</code><message>${message}</message></stateReason>`;
  const is = `<instanceState><code>${STATES[state]}</code><name>${state}</name></instanceState>`;
  return text
    .replaceAll(/<stateReason>[^]*?<\/stateReason>/g, '')
    .replaceAll(/<reason>[^<]*<\/reason>|<reason ?\/>/g, `<reason>${code}</reason>`)
    .replaceAll(/<instanceState>[^]*?<\/instanceState>/g, reason === undefined ? is : is + because);
}

/** Returns what Packer printed, as a bake keeps it. */
async function record(stand: Stand, kind: Kind): Promise<string> {
  const { moto, installation, network } = stand;
  const { credentials } = await moto.observer(DEV);
  const aws = await amazon(moto, kind);
  const directory = layOut(stand, kind);
  const name = `${kind.name}-1.4.20261121093000-g4f2c1d9`;
  if (kind.nameIsTaken) await (await moto.ec2(DEV)).send(new RegisterImageCommand({ Name: name }));
  const variables = join(stand.directory, `${kind.name}.pkrvars.json`);
  writeFileSync(variables, JSON.stringify(variablesOf(kind, name, network)));
  const child = spawn(
    installation.packer.command,
    ['build', '-color=false', '-timestamp-ui', ...(kind.arguments ?? []), `-var-file=${variables}`, '.'],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...installation.packer.environment,
        AWS_ENDPOINT_URL: aws.url,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
        AWS_SESSION_TOKEN: credentials.sessionToken,
        CHECKPOINT_DISABLE: '1',
        PACKER_NO_COLOR: '1',
      },
    },
  );
  const printed: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => printed.push(chunk));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  aws.close();
  if (status === 0) throw new Error(`${kind.name} was to fail, and Packer ended with status 0.`);
  // Where this ran is nobody's business.
  return plainText(Buffer.concat(printed).toString('utf8')).replaceAll(stand.directory, '/build');
}

function variablesOf(
  { name: image, template, tags = {}, variables = {} }: Kind,
  name: string,
  network: Network,
) {
  return {
    region: DEV.region,
    source_ami: SOURCE_AMI,
    ami_name: name,
    tags: {
      Name: name,
      'packleader:release': `${image}@1.4.20261121093000`,
      'packleader:image': image,
      'packleader:version': '1.4.20261121093000',
      'packleader:commit': '4f2c1d9',
      'packleader:state': 'candidate',
      ...tags,
    },
    instance_type: 'm7i.large',
    architecture: 'x86_64',
    vpc_id: network.vpcId,
    subnet_id: network.subnetId,
    kms_key_id: 'alias/aws/ebs',
    instance_profile: NAMES.builder,
    timeout_minutes: 60,
    ...(template === 'linux'
      ? { ssh_interface: 'private_ip', ssh_username: LOGIN }
      : { winrm_interface: 'private_ip' }),
    ...variables,
  };
}

async function start(installation: Installation, target: Target): Promise<Stand> {
  const directory = mkdtempSync(join(installation.cache, 'record-'));
  const moto = await Moto.start({
    python: join(installation.bin, 'python'),
    directory,
    hub: HUB,
    accounts: [target.accountId],
    roles: [],
    bucket: `recordings-${targetName(target).replaceAll('/', '-')}`,
  });
  return { installation, directory, moto, network: await moto.addNetwork(target, NETWORK) };
}

async function run(args: readonly string[]): Promise<boolean> {
  const writes = args.includes('--write');
  const wanted = args.filter((name) => name !== '--write');
  const unknown = wanted.filter((name) => !KINDS.some((kind) => kind.name === name));
  if (unknown.length > 0)
    throw new Error(
      `There is no kind ${unknown.join(', ')}. There are: ${KINDS.map(({ name }) => name).join(', ')}.`,
    );
  const installation = await install(say);
  removeStaleMachines();
  const stand = await start(installation, DEV);
  const packageProxy = await startPackageProxy(join(installation.cache, 'packages'));
  const stop = answerBuilders(
    await stand.moto.ec2(DEV),
    { root: installation.root, directory: stand.directory, login: LOGIN, packageProxy },
    () => 'real',
  );
  const kinds = KINDS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  const same = await pMap(
    kinds,
    async (kind) => {
      const printed = await record(stand, kind);
      const file = recordingOf(kind.name);
      const is = existsSync(file) ? withoutChance(readFileSync(file, 'utf8')) : '';
      const now = withoutChance(printed);
      say(`${is === now ? 'same   ' : 'DIFFERS'} ${kind.name}`);
      if (is !== now) for (const line of changes(is, now)) say(`        ${line}`);
      if (writes && is !== now) writeFileSync(file, printed);
      return is === now;
    },
    { concurrency: AT_ONCE },
  );
  await stop();
  rmSync(stand.directory, { recursive: true, force: true });
  const differing = same.filter((one) => !one).length;
  say(`${same.length - differing} are as recorded, ${differing} ${differing === 1 ? 'differs' : 'differ'}.`);
  return differing === 0;
}

/** The first lines that only one of two texts has. */
function changes(before: string, after: string): string[] {
  const [gone, come] = [before.split('\n'), after.split('\n')];
  return [
    ...gone.filter((line) => !come.includes(line)).map((line) => `- ${line}`),
    ...come.filter((line) => !gone.includes(line)).map((line) => `+ ${line}`),
  ].slice(0, 20);
}

try {
  process.exit((await run(process.argv.slice(2))) ? 0 : 1);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
