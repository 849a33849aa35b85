/** What is released, what befalls it, and what must be left. */
import type { Fault } from '../../sandbox/rehearsal/faults.ts';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NAMES, bucketName } from '../../core/contract/names.ts';
import { type Target, targetName } from '../../core/contract/targets.ts';
import { missingRecords } from './artifacts.ts';
import type { Build } from './code-build.ts';
import { differences, normalised } from './compare.ts';
import { releaseWithoutInternet } from './downloads.ts';
import { LOGIN } from './factory-files.ts';
import { type Adopts, STAGES } from './factory.ts';
import type { Installation } from './installation.ts';
import { keepsABuilder } from './kept-builder.ts';
import type { Part } from './machines.ts';
import { bakeCopyForReal, bakeForReal } from './real-bake.ts';
import { rehearseAlone } from './rehearsal.ts';
import { Stand, answerBakes } from './release.ts';

export interface Case {
  readonly name: string;
  /** Returns what is wrong, if anything. */
  readonly run: (installation: Installation, directory: string, number: number) => Promise<string[]>;
}

interface ComparedCase {
  readonly images: readonly string[];
  readonly outcome: string;
  /** What the machine behind a builder does. */
  readonly part?: (target: Target, image: string) => Part;
  /** What befalls a bake besides. */
  readonly onBake?: (target: Target, build: Build) => Promise<void>;
  /** The same, for the rehearsal. */
  readonly faults?: readonly Fault[];
  readonly adopts?: Adopts;
}

function compared(
  name: string,
  { images, outcome, part = () => 'bake', onBake = async () => {}, faults = [], adopts = {} }: ComparedCase,
): Case {
  return {
    name,
    run: async (installation, directory, number) => {
      const stand = await Stand.start(installation, directory, STAGES, number, {}, adopts);
      const { moto, made, targets } = stand;
      answerBakes(stand, { root: installation.root, directory, login: LOGIN }, part, onBake);
      const request = { images: [...images] };
      const released = await stand.release(request);
      const volumes = await Promise.all(
        targets.map(async (target) =>
          (await moto.volumesOf(target)).map((id) => `${targetName(target)} still has the volume ${id}`),
        ),
      );
      const rehearsed = await rehearseAlone({
        repository: made.repository,
        request,
        faults,
        startAt: released.startAt.toISOString(),
      });
      const bakes = stand.codeBuild.builds.filter(({ project }) => project.name === NAMES.bakeProject);
      const outcomes = released.releases.map((one) => one.outcome).join(', ');
      return [
        ...(outcomes === outcome
          ? []
          : [`The outcome is ${outcomes || released.error}, expected ${outcome}.`, ...errorsOf(released)]),
        ...differences(normalised(rehearsed), normalised(released)),
        ...volumes.flat(),
        ...(await missingRecords(bakes, bucketName(made.factory))),
      ];
    },
  };
}

function errorsOf({ releases }: { releases: readonly { error: { cause: string } | null }[] }): string[] {
  return releases.flatMap(({ error }) => (error ? [error.cause] : []));
}

/**
 * Kills Packer, with its plugin, the way the kernel does when memory runs out: at once, while the machine is being
 * provisioned. Nothing of it can clean up.
 */
async function killPackerOnceItProvisions(build: Build): Promise<void> {
  const log = join(build.directory, 'log');
  while (!(existsSync(log) && readFileSync(log, 'utf8').includes('The playbook hangs'))) {
    if (build.endedAt !== undefined) return;
    await sleep(200);
  }
  const listed = spawnSync('pgrep', ['-g', String(build.process?.pid), '^packer'], { encoding: 'utf8' });
  for (const pid of listed.stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
}

/** The source AMI that moto offers. */
const DEBIAN = '{ ssmParameter: /aws/service/debian/release/13/latest/amd64, maxAgeDays: 60 }';

const DEV = '111111111111';
const bakeOf = (account: string, region: string) => (target: Target) =>
  target.accountId === account && target.region === region;
const isProdInIreland = bakeOf('222222222222', 'eu-west-1');

export const cases: readonly Case[] = [
  compared('released into two accounts and two regions', { images: ['linux-base'], outcome: 'released' }),
  compared('dev fails: prod is never built', {
    images: ['linux-base'],
    outcome: 'rolled back',
    part: ({ accountId }) => (accountId === DEV ? 'fail' : 'bake'),
    faults: [{ state: 'Bake dev AMIs', kind: 'failed' }],
  }),
  compared("prod fails in one of two regions: dev's AMI is deregistered", {
    images: ['linux-base'],
    outcome: 'rolled back',
    part: (target) => (isProdInIreland(target) ? 'fail' : 'bake'),
    faults: [{ state: 'Bake prod AMIs', kind: 'failed', region: 'eu-west-1' }],
  }),
  compared('prod is killed while it bakes: nothing of it is left', {
    images: ['linux-base'],
    outcome: 'rolled back',
    part: (target) => (isProdInIreland(target) ? 'hang' : 'bake'),
    onBake: async (target, build) => {
      if (isProdInIreland(target)) await killPackerOnceItProvisions(build);
    },
    faults: [{ state: 'Bake prod AMIs', kind: 'failed', region: 'eu-west-1' }],
  }),
  compared('a base and the image built on it, which uses exactly that base', {
    images: ['linux-web', 'linux-base'],
    outcome: 'released, released',
  }),
  compared('a template that was there before, and reads files around it, is adopted and released', {
    images: ['web'],
    outcome: 'released',
    adopts: { web: ['mine/outside/web', '--source', DEBIAN] },
  }),
  compared('a template in the JSON of old Packers is adopted and released', {
    images: ['server'],
    outcome: 'released',
    adopts: { server: ['mine/legacy', '--source', DEBIAN] },
  }),
  compared('one of several sources, with variables that must be set, is adopted and released', {
    images: ['worker'],
    outcome: 'released',
    adopts: { worker: ['mine/several', '--only', 'fleet.amazon-ebs.worker', '--source', DEBIAN] },
  }),
  {
    name: 'linux-base is provisioned, checked and booted for real',
    run: bakeForReal,
  },
  {
    name: 'linux-base, copied under another name, passes its own checks',
    run: bakeCopyForReal,
  },
  {
    name: 'without the internet, everything comes from the bucket, and what is not as it was pinned is refused',
    run: releaseWithoutInternet,
  },
  {
    name: 'the builder of a bake that failed is kept until its end, and swept after it',
    run: keepsABuilder,
  },
];
