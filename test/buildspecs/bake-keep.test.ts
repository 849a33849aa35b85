import { readFileSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { zipSync } from 'fflate';
import { HAS_BUILDER_CHOICES } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { Build, bakeEnvironment, requirePrograms, sha256 } from './build.ts';
import { packerSaid } from './packer-said/said.ts';
import { recordingOf } from './recordings/recordings.ts';

const target = { accountId: '111111111111', region: 'eu-central-1' };
const prefix = keys.planPrefix('one', 'linux-base');
const variables = keys.packerVariables(prefix, target);
const recording = (kind: string) => readFileSync(recordingOf(kind), 'utf8');
const FLAG = '-on-error=run-cleanup-provisioner';

let build: Build;
beforeAll(() => requirePrograms('unzip'));
beforeEach(() => {
  build = new Build();
  build.put(variables, '{"instance_type":"m7i.large","subnet_id":"subnet-1","timeout_minutes":60}');
  build.answer('ec2 DescribeInstances', '<instanceId>i-1</instanceId>');
  build.answer('ec2 DescribeKeyPairs', '<keyPairId>key-1</keyPairId>');
  build.answer('ec2 DescribeSecurityGroups', '');
  for (const call of ['ModifyInstanceAttribute', 'CreateTags', 'TerminateInstances', 'DeleteKeyPair'])
    build.answer(`ec2 ${call}`, '');
});
afterEach(() => build.remove());

/** Stands in for Packer: says in each run the next of these, and bakes when nothing is left to say. */
function packer(...said: readonly string[]): void {
  for (const [index, text] of said.entries()) build.put(`../said/${index + 1}`, text);
  build.program(
    'packer',
    `#!/usr/bin/env bash
[ "$1" = version ] && echo "Packer v1.11.2" && exit
[ "$1" = init ] && exit
echo "$*" >>"$FAKE_AWS/packer"
echo >>"$FAKE_AWS/runs"
said="$FAKE_AWS/said/$(wc -l <"$FAKE_AWS/runs")"
[ -e "$said" ] && cat "$said" && exit 1
echo '{"builds":[{"packer_run_uuid":"a","artifact_id":"eu-central-1:ami-0b"}],"last_run_uuid":"a"}' >packer-manifest.json
`,
  );
}

function bake(choices?: object) {
  const zip = zipSync({ 'images/linux-base/image.pkr.hcl': Buffer.from('# a template\n') });
  const source = keys.source('c'.repeat(40), sha256(zip));
  build.put(source, zip);
  if (choices) {
    build.put(`${variables}.metadata`, JSON.stringify(HAS_BUILDER_CHOICES));
    build.put(keys.builderChoices(prefix, target), JSON.stringify(choices));
  }
  return build.run('bake', {
    ...bakeEnvironment(target, { prefix, source, zip }),
    CODEBUILD_START_TIME: String(Date.now()),
  });
}

const KEEP = { instanceTypes: ['m7i.large'], subnetIds: [''], keepMinutes: 240 };

/** What changes something, in its order, with the values of what it was told. */
const changes = (calls: readonly string[]): string[] =>
  calls
    .filter((call) => /^ec2 (?!Describe)/.test(call))
    .map((call) => {
      const { Action, Version: _, ...told } = Object.fromEntries(new URLSearchParams(call.split(' ')[2]));
      return [Action, ...Object.values(told)].join(' ');
    });

describe('a bake whose builder is to be kept when it fails', () => {
  it('leaves a builder that knows its end, sees to it that it is then gone, and says until when', () => {
    packer(recording('kept'));
    const before = Date.now();
    const { status, log, exported, calls } = bake(KEEP);
    expect(status).toBe(1);
    expect(exported['LAST_ERROR']).toContain('Script exited with non-zero exit status');
    expect(build.left('../packer')).toContain(` -var=keep_minutes=240 ${FLAG} `);
    const [ends, tags, ...more] = changes(calls);
    expect(ends).toBe('ModifyInstanceAttribute i-1 terminate');
    const [, until = ''] = new RegExp(`^CreateTags i-1 ${TAGS.keptUntil} (\\S+)$`).exec(tags ?? '') ?? [];
    expect(Date.parse(until) - before).toBeGreaterThanOrEqual(240 * 60_000);
    expect(Date.parse(until) - Date.now()).toBeLessThanOrEqual(240 * 60_000);
    expect(more).toEqual([]);
    expect(log).toContain('aws ssm start-session --region eu-central-1 --target i-1');
  });

  it.each([
    ['it does not know its end', () => recording('shell')],
    ['an AMI was begun', () => `${recording('kept')}\n==> amazon-ebs.image: AMI: ami-0b\n`],
  ])('removes it when %s', (_, said) => {
    packer(said());
    build.answer('ec2 DescribeInstances', ['<instanceId>i-1</instanceId>', '']);
    const { status, calls } = bake(KEEP);
    expect(status).toBe(1);
    expect(changes(calls)).toEqual(['TerminateInstances i-1', 'DeleteKeyPair key-1']);
  });

  it('removes it when EC2 does not let it be kept, and gives the reason of the bake all the same', () => {
    packer(recording('kept'));
    build.unanswer('ec2 CreateTags');
    build.answer('ec2 DescribeInstances', [
      '<instanceId>i-1</instanceId>',
      '<instanceId>i-1</instanceId>',
      '',
    ]);
    const { status, log, exported, calls } = bake(KEEP);
    expect(status).toBe(1);
    expect(exported['LAST_ERROR']).toContain('Script exited with non-zero exit status');
    expect(log).toContain('CreateTags failed');
    expect(changes(calls).slice(-2)).toEqual(['TerminateInstances i-1', 'DeleteKeyPair key-1']);
  });

  it('removes what Packer left of an attempt before it makes another one', () => {
    packer(packerSaid('build-no-capacity'));
    build.answer('ec2 DescribeInstances', '');
    const { status, log, calls } = bake({ ...KEEP, instanceTypes: ['m7i.large', 'm7a.large'] });
    expect(status, log).toBe(0);
    // Once before the second attempt, and once at the end.
    expect(changes(calls)).toEqual(['DeleteKeyPair key-1', 'DeleteKeyPair key-1']);
  });

  it('is told nothing of it otherwise', () => {
    packer();
    build.answer('ec2 DescribeInstances', '');
    expect(bake().status).toBe(0);
    expect(build.left('../packer')).not.toMatch(/keep_minutes|on-error/);
  });
});
