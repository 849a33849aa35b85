/** A bake of real Packer's that fails, and leaves its builder for somebody to look at: until its end, and no longer. */
import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeKeyPairsCommand,
  DescribeSecurityGroupsCommand,
} from '@aws-sdk/client-ec2';
import { machineArn, reportReleases } from '../../sandbox/rehearsal/rehearsal.ts';
import { keptAmong } from '../../core/amis/kept-builders.ts';
import { NAMES } from '../../core/contract/names.ts';
import { sweepReportSchema } from '../../core/contract/sweeps.ts';
import { TAGS } from '../../core/contract/tags.ts';
import { DEV, HUB } from '../fixtures/accounts.ts';
import { LOGIN } from './factory-files.ts';
import type { Installation } from './installation.ts';
import { Stand, answerBakes } from './release.ts';
import { serveStepFunctions } from './step-functions.ts';

const HOURS = 2;
const HOUR_MS = 3_600_000;

/** Returns what is wrong, if anything. */
export async function keepsABuilder(
  installation: Installation,
  directory: string,
  number: number,
): Promise<string[]> {
  const stand = await Stand.start(
    installation,
    directory,
    { dev: [DEV] },
    number,
    {},
    {},
    { keepBuilders: true },
  );
  answerBakes(stand, { root: installation.root, directory, login: LOGIN }, () => 'fail');
  const clock = { now: new Date() };
  const engine = await stand.engine(() => clock.now, { keepsData: true });
  await serveStepFunctions(engine);
  const keeping = { accounts: { [DEV.accountId]: { onFailure: 'keep', keepHours: HOURS } } };
  const release = engine.start(machineArn(HUB, NAMES.releaseMachine), 'release', {
    images: ['linux-base'],
    overrides: keeping,
  });
  await release.outcome;
  const [released] = await reportReleases(engine, stand.made.factory, {});
  const kept = await left(stand);
  const [builder] = kept.kept;
  if (released?.outcome !== 'rolled back' || !builder)
    return [
      `The release ended ${released?.outcome ?? 'early'}, and left ${JSON.stringify(kept)}: ${released?.error?.cause}`,
    ];
  const lateBy = Math.abs(Date.parse(builder.until) - Date.now() - HOURS * HOUR_MS);

  const sweep = async (name: string) => {
    const execution = engine.start(machineArn(HUB, NAMES.sweepMachine), name, {});
    const { status } = await execution.outcome;
    const said = sweepReportSchema.safeParse(
      Object.values(Object.fromEntries(execution.history.outputs)).findLast(
        (one) => sweepReportSchema.safeParse(one).success,
      ),
    );
    return { status, kept: said.data?.kept.map(({ is }) => is) ?? [], left: await left(stand) };
  };
  const during = await sweep('sweep-during');
  clock.now = new Date(Date.parse(builder.until) + 1_000);
  const after = await sweep('sweep-after');
  const is = {
    rest: [kept.instances.length, kept.keyPairs, kept.shutdown],
    aboutItsEnd: lateBy < HOUR_MS / 4,
    toldOf: released.error?.cause.includes(
      `the builder ${builder.instanceId} is kept until ${builder.until}`,
    ),
    during: [during.status, during.kept, during.left.instances.length, during.left.keyPairs],
    after: [after.status, after.kept, after.left.instances.length, after.left.keyPairs, after.left.groups],
  };
  const expected: typeof is = {
    rest: [1, 1, 'terminate'],
    aboutItsEnd: true,
    toldOf: true,
    during: ['SUCCEEDED', ['kept'], 1, 1],
    after: ['SUCCEEDED', [], 0, 0, 0],
  };
  return Object.entries(expected).flatMap(([what, wanted]) => {
    const found: unknown = Reflect.get(is, what);
    return JSON.stringify(found) === JSON.stringify(wanted)
      ? []
      : [`${what}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`];
  });
}

/** What is there of any release, in the one target. */
async function left({ moto }: Stand) {
  const ec2 = await moto.ec2(DEV);
  const ofReleases = [{ Name: 'tag-key', Values: [TAGS.release] }];
  const { Reservations = [] } = await ec2.send(
    new DescribeInstancesCommand({
      Filters: [
        ...ofReleases,
        { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
      ],
    }),
  );
  const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
  const { KeyPairs = [] } = await ec2.send(new DescribeKeyPairsCommand({ Filters: ofReleases }));
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({ Filters: ofReleases }));
  const [first] = instances;
  const attribute =
    first &&
    (await ec2.send(
      new DescribeInstanceAttributeCommand({
        InstanceId: first.InstanceId,
        Attribute: 'instanceInitiatedShutdownBehavior',
      }),
    ));
  return {
    instances: instances.map(({ InstanceId }) => InstanceId),
    kept: keptAmong(instances),
    keyPairs: KeyPairs.length,
    groups: SecurityGroups.length,
    shutdown: attribute?.InstanceInitiatedShutdownBehavior?.Value,
  };
}
