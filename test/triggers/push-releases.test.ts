/**
 * A push all the way: GitHub's request, the event, the execution's input, the real program that compares the commits in a
 * real repository, and the state machine on the sandbox.
 */
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seedReleases } from '../../sandbox/rehearsal/earlier-releases.ts';
import { rehearse } from '../../sandbox/rehearsal/rehearsal.ts';
import { loadConfiguration } from '../../core/configuration/configuration.ts';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { changesSchema } from '../../core/contract/releases.ts';
import { handler as webhook } from '../../triggers/git-push.ts';
import { handler as startRelease } from '../../triggers/start-release.ts';
import { definitionsOf } from '../../workflow/definitions.ts';
import { bucketName } from '../../core/contract/names.ts';
import { Build, git, requirePrograms } from '../buildspecs/build.ts';
import { filesOf, AL2023, STAGES } from '../fixtures/factories.ts';
import { fromGithub, githubPayload } from './requests.ts';
import { WebhookWorld } from './webhook-world.ts';

const FILES = filesOf({
  stages: STAGES,
  images: { base: AL2023, web: 'image: base', other: AL2023 },
});
const { factory } = loadConfiguration(FILES);
const IMAGES = factory.images.map(({ name }) => name);
const machines = definitionsOf(factory);

let build: Build;
let repository: string;

beforeAll(() => requirePrograms('git'));
beforeEach(() => {
  build = new Build();
  repository = join(build.directory, 'repository');
  mkdirSync(repository);
  git(repository, 'init', '--quiet', '--initial-branch=main');
  const first = commit(Object.fromEntries([...FILES].map(([name, text]) => [`packer/${name}`, text])));
  for (const image of IMAGES) released(image, '1.4.20261101000000', first);
});
afterEach(() => build.remove());

function commit(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repository, name)), { recursive: true });
    writeFileSync(join(repository, name), text);
  }
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--allow-empty', '--message', 'Change something');
  return git(repository, 'rev-parse', 'HEAD');
}

function released(image: string, version: string, at: string): void {
  build.put(keys.released(image, version), JSON.stringify({ commit: at }));
}

/** What `packleader-release` is started with when this commit is pushed. */
async function requestOf(after: string): Promise<unknown> {
  process.env[TRIGGER_ENVIRONMENT.releaseMachine] = 'arn:aws:states:eu-west-1:999999999999:stateMachine:x';
  const world = new WebhookWorld();
  const ssm = mockClient(SSMClient).rejects('unexpected call');
  const stepFunctions = mockClient(SFNClient).rejects('unexpected call');
  ssm.on(GetParameterCommand).resolves({ Parameter: { Value: 'enabled' } });
  stepFunctions.on(StartExecutionCommand).resolves({});
  try {
    await webhook(fromGithub(githubPayload({ after })));
    for (const detail of world.pushes) await startRelease({ source: 'packleader', detail });
    const [started] = stepFunctions.commandCalls(StartExecutionCommand);
    return JSON.parse(started?.args[0].input.input ?? 'null');
  } finally {
    for (const mock of [world, ssm, stepFunctions]) mock.restore();
  }
}

/** Every image that a push of this commit releases, and how that ended. */
async function pushed(after: string) {
  const request = await requestOf(after);
  const { exported, log } = build.run('fetch-source', {
    PACKLEADER_REQUEST: JSON.stringify(request),
    PACKLEADER_BUCKET: bucketName(factory),
    PACKLEADER_REPOSITORY: repository,
    PACKLEADER_DEFAULT_BRANCH: factory.defaultBranch,
    PACKLEADER_FACTORY: 'packer',
  });
  expect(exported, log).toMatchObject({ COMMIT: after, BRANCH: 'main' });
  const changes = changesSchema.parse(
    JSON.parse(build.get(exported['CHANGES_KEY'] ?? 'no changes').toString()),
  );
  const encoder = new TextEncoder();
  const files = new Map([...FILES].map(([name, text]) => [name, encoder.encode(text)]));
  const report = await rehearse({
    factory,
    machines,
    bucket: bucketName(factory),
    checkOut: () => ({
      commit: after,
      branch: 'main',
      files,
      changes,
    }),
    request,
    startAt: new Date('2026-11-21T09:30:00Z'),
    prepare: (sandbox) => seedReleases(sandbox, files, ['web'], undefined),
  });
  expect(report.error).toBeNull();
  return Object.fromEntries(
    report.releases.map(({ image, commit: of, outcome }) => [`${image}@${of}`, outcome]),
  );
}

describe('a push releases', () => {
  const everything = (of: string, ...images: readonly string[]) =>
    Object.fromEntries(images.map((image) => [`${image}@${of}`, 'released']));

  it('every image when a common layer changed', async () => {
    const after = commit({ 'packer/config/prod.yaml': 'rootVolumeSizeGiB: 20\n' });
    expect(await pushed(after)).toEqual(everything(after, ...IMAGES));
  });

  it('a base image and what is built on it when the base image changed', async () => {
    const after = commit({ 'packer/images/base/build.pkr.hcl': '# changed\n' });
    expect(await pushed(after)).toEqual(everything(after, 'base', 'web'));
  });

  it('one image when only that changed', async () => {
    const after = commit({ 'packer/images/web/playbook.yml': '# changed\n' });
    expect(await pushed(after)).toEqual(everything(after, 'web'));
  });

  it('nothing when nothing under packer/ changed', async () => {
    expect(await pushed(commit({ 'README.md': 'changed\n' }))).toEqual({});
  });

  it('all that changed since the last release, also by pushes that never arrived', async () => {
    commit({ 'packer/images/other/playbook.yml': '# lost\n' });
    const after = commit({ 'packer/images/web/playbook.yml': '# changed\n' });
    expect(await pushed(after)).toEqual(everything(after, 'other', 'web'));
  });

  it('nothing when it arrives after a newer one was released', async () => {
    const late = commit({ 'packer/images/web/playbook.yml': '# first\n' });
    const newer = commit({ 'packer/images/web/playbook.yml': '# second\n' });
    released('web', '1.4.20261120000000', newer);
    expect(await pushed(late)).toEqual({});
  });
});
