/** A hub after real releases of `base`, and of `web` on it, and the commands that tell of them. */
import { diffCommand } from '../../../cli/commands/diff/run.ts';
import { historyCommand } from '../../../cli/commands/history/run.ts';
import { lineageCommand } from '../../../cli/commands/lineage/run.ts';
import { sbomCommand } from '../../../cli/commands/sbom/run.ts';
import { showCommand } from '../../../cli/commands/show/run.ts';
import { type WhereCommandOptions, whereCommand } from '../../../cli/commands/where/run.ts';
import { bucketName } from '../../../core/contract/names.ts';
import { releasedRecordSchema } from '../../../core/contract/releases.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { publishNewer } from '../../../sandbox/rehearsal/public-images.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { AL2023, type MadeUpFactory, STAGES } from '../../fixtures/factories.ts';
import type { HubOptions } from '../../fixtures/sandbox/hub.ts';
import { HUB_FLAG, openOperator } from '../operator.ts';
import { written } from '../output.ts';

export const [DEV_TARGET] = STAGES.dev;
export const [PROD_TARGET] = STAGES.prod;

/** Who may read the hub's records and assume roles, and nothing else. */
export const READER = { allows: /^(sfn:|sts:|s3:(GetObject|ListObjectsV2)$)/ };

/** @param width of the terminal; by default a pipe, which has none */
export async function openReader(
  options: HubOptions = READER,
  width?: number,
  made?: Partial<MadeUpFactory>,
) {
  const hub = await openOperator(options, { base: AL2023, web: 'image: base' }, made);
  const asked = { json: false, hub: HUB_FLAG };
  const running = async (run: (output: ReturnType<typeof written>['output']) => Promise<number>) => {
    const { texts, output } = written();
    const exit = await run({ ...output, ...(width !== undefined && { width }) });
    return { exit, out: texts.out, lines: texts.out.split('\n').slice(0, -1) };
  };
  const context = hub.operator;
  type Flags = { readonly json?: boolean };
  return {
    ...hub,
    history: async (image?: string, flags: Flags & { readonly limit?: number } = {}) =>
      running((output) => historyCommand(image, { ...asked, limit: 20, ...flags }, output, context)),
    show: async (release: string, flags: Flags = {}) =>
      running((output) => showCommand(release, { ...asked, ...flags }, output, context)),
    diff: async (before: string, after: string, flags: Flags = {}) =>
      running((output) => diffCommand(before, after, { ...asked, ...flags }, output, context)),
    sbom: async (release: string, target?: string) =>
      running((output) =>
        sbomCommand(release, { hub: HUB_FLAG, ...(target !== undefined && { target }) }, output, context),
      ),
    lineage: async (release: string, flags: Flags = {}) =>
      running((output) => lineageCommand(release, { ...asked, ...flags }, output, context)),
    where: async (image?: string, flags: Partial<WhereCommandOptions> = {}) =>
      running((output) => whereCommand(image, { ...asked, instances: true, ...flags }, output, context)),
  };
}

/** Two releases of both images, ten days and a newer source AMI apart; the second has a bigger volume. */
export async function afterTwoReleases(width?: number) {
  const reader = await openReader(READER, width);
  const { release, sandbox } = reader;
  await release({ key: 'one', images: ['base', 'web'], reason: 'the first', wait: true });
  await sandbox.clock.sleep(Date.parse('2026-12-01T09:30:00Z') - sandbox.clock.milliseconds());
  publishNewer(sandbox.world, HUB.region);
  await release({ key: 'two', images: ['base', 'web'], overrides: ['rootVolumeSizeGiB=24'], wait: true });
  await sandbox.clock.sleep(Date.parse('2026-12-05T09:30:00Z') - sandbox.clock.milliseconds());
  return reader;
}

export const FIRST = '1.4.20261121093000';
export const SECOND = '1.4.20261201093000';

/** Gives targets a role that whoever is in the hub may look with. */
export function addAuditor(
  sandbox: Sandbox,
  targets: readonly (Target | undefined)[],
  allows = /^(ssm:GetParameters|ec2:DescribeInstances|ec2:DescribeImages)$/,
): void {
  for (const target of targets) {
    const accountId = target?.accountId ?? '';
    const role = { accountId, name: 'auditor', trusts: [HUB.accountId], allows, destroysTaggedOnly: false };
    sandbox.world.roles.set(`${accountId}/auditor`, role);
  }
}

/** Lets somebody in an account launch an instance of an AMI. */
export async function launch(sandbox: Sandbox, target: Target | undefined, imageId: string): Promise<void> {
  const { accountId = '', region = '' } = target ?? {};
  const role = {
    accountId,
    name: 'owner',
    trusts: [],
    allows: /^ec2:RunInstances$/,
    destroysTaggedOnly: false,
  };
  sandbox.world.roles.set(`${accountId}/owner`, role);
  const caller = { accountId, region, role: 'owner', session: 'somebody' };
  const input = { ImageId: imageId, InstanceType: 't3.large', MinCount: 1, MaxCount: 1 };
  await sandbox.call(caller, 'ec2', 'RunInstances', input);
}

export function objectsOf(sandbox: Sandbox) {
  const objects = sandbox.world.buckets.get(bucketName({ hub: HUB }))?.objects;
  if (!objects) throw new Error('the hub has no bucket');
  return objects;
}

/** Puts a record as it is into the hub's bucket. */
export function putRecord(sandbox: Sandbox, image: string, version: string, record: object): void {
  const body = Buffer.from(JSON.stringify(record));
  const at = sandbox.clock.milliseconds();
  objectsOf(sandbox).set(`released/${image}/${version}.json`, { body, etag: '"1"', at, metadata: {} });
}

/** Makes of a record one of a deployment that kept no timeline. */
export function forgetTimeline(sandbox: Sandbox, image: string, version: string): void {
  const { body } = objectsOf(sandbox).get(`released/${image}/${version}.json`) ?? {};
  const { timeline, ...older } = releasedRecordSchema.parse(JSON.parse(String(body)));
  if (timeline === undefined) throw new Error(`the record of ${image}@${version} has no timeline`);
  putRecord(sandbox, image, version, older);
}
