/** Two targets in the sandbox with all that a bake meets first; a test spoils one thing of the first. */
import type { Route } from '@aws-sdk/client-ec2';
import { KMSClient } from '@aws-sdk/client-kms';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { mockClient } from 'aws-sdk-client-mock';
import { onTestFinished, vi } from 'vitest';
import { examineFactory } from '../../../cli/commands/doctor/examine.ts';
import type { Region } from '../../../sandbox/aws/world.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { forgetClients } from '../../../core/aws/clients.ts';
import { targetName } from '../../../core/contract/targets.ts';
import { DEV, HUB } from '../../fixtures/accounts.ts';
import { checkedOut, filesOf, type MadeUpFactory } from '../../fixtures/factories.ts';
import { bound } from '../../sandbox/fixture.ts';
import { FAR, servers } from './doctor-world.ts';

/** What `filesOf` configures. */
export const VPC = 'vpc-0123456789abcdef0';
export const SUBNET = 'subnet-0123456789abcdef0';
/** The network of the second target, which is in another region. */
const FAR_VPC = 'vpc-0123456789abcdef1';
export const FAR_SUBNET = 'subnet-0123456789abcdef1';
export const GROUP = 'sg-0123456789abcdef0';
export const MAIN = 'rtb-0aaaaaaaaaaaaaaaa';
export const OWN = 'rtb-0bbbbbbbbbbbbbbbb';
export const PROFILE = 'packleader-builder';

export const PROFILE_OF_BUILDERS = { name: PROFILE, roleNames: [PROFILE], trusts: 'ec2.amazonaws.com' };

export interface BakesWorld {
  readonly sandbox: Sandbox;
  /** The first target, which tests spoil. */
  readonly dev: Region;
  readonly far: Region;
}

export function bakesWorld(): BakesWorld {
  // The sandbox has none of these, and a test must not reach the network.
  const absent = new Error('not there');
  const kms = mockClient(KMSClient).rejects(absent);
  const quotas = mockClient(ServiceQuotasClient).rejects(absent);
  const sandbox = bound({ targets: [DEV, FAR] });
  vi.useFakeTimers({ toFake: ['Date'], now: sandbox.clock.now() });
  servers();
  forgetClients();
  onTestFinished(() => {
    kms.restore();
    quotas.restore();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    forgetClients();
  });
  const [dev, far] = [DEV, FAR].map(({ accountId, region }, index) => {
    const place = sandbox.world.region(accountId, region);
    auditor(sandbox, accountId);
    sandbox.world.instanceProfiles.set(`${accountId}/${PROFILE}`, PROFILE_OF_BUILDERS);
    network(place, index === 0 ? [VPC, SUBNET] : [FAR_VPC, FAR_SUBNET]);
    return place;
  });
  if (!dev || !far) throw new Error('there are two targets');
  return { sandbox, dev, far };
}

/** Who may look at everything, and is let in by the hub. */
export function auditor({ world }: Sandbox, accountId: string, allows = /./): void {
  world.roles.set(`${accountId}/auditor`, {
    accountId,
    name: 'auditor',
    trusts: [HUB.accountId],
    allows,
    destroysTaggedOnly: true,
  });
}

/** A private subnet with a NAT gateway; the main table of its VPC has no default route. */
function network(place: Region, [vpcId, subnetId]: readonly [string, string]): void {
  const tags = () => new Map<string, string>();
  place.vpcs.set(vpcId, { vpcId, cidr: '10.0.0.0/16', isDefault: false, tags: tags() });
  place.subnets.set(subnetId, {
    subnetId,
    vpcId,
    isDefault: false,
    givesPublicAddress: false,
    freeAddresses: 200,
    tags: tags(),
  });
  place.securityGroups.set(GROUP, {
    groupId: GROUP,
    groupName: 'builders',
    description: 'Builders',
    vpcId,
    tags: tags(),
  });
  const table = { vpcId, tags: tags() };
  place.routeTables.set(MAIN, { ...table, routeTableId: MAIN, isMain: true, subnetIds: [], routes: [LOCAL] });
  defaultRoute(place, { NatGatewayId: 'nat-0123456789abcdef0' });
}

const LOCAL: Route = { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', State: 'active' };

/** Gives the subnet a table of its own with this default route, or with none. */
export function defaultRoute(place: Region, route?: Route): void {
  const [[subnetId, { vpcId }] = [SUBNET, { vpcId: VPC }]] = place.subnets;
  const byDefault = { DestinationCidrBlock: '0.0.0.0/0', State: 'active', ...route } as const;
  place.routeTables.set(OWN, {
    routeTableId: OWN,
    vpcId,
    isMain: false,
    subnetIds: [subnetId],
    routes: route === undefined ? [LOCAL] : [LOCAL, byDefault],
    tags: new Map(),
  });
}

/** Changes a thing that is there. */
export function change<T>(things: Map<string, T>, id: string, changed: Partial<T>): void {
  const thing = things.get(id);
  if (thing === undefined) throw new Error(`there is no ${id}`);
  things.set(id, { ...thing, ...changed });
}

/**
 * What is not well with one check, as `<outcome> <place>: <why>`; only `ok` when all of it is.
 *  @param yaml the layer of the stage dev
 */
export async function findingsOf(
  check: string,
  {
    yaml = '',
    images,
    windows = false,
    template,
  }: {
    readonly yaml?: string;
    readonly images?: MadeUpFactory['images'];
    /** Whether the image `base` is one of Windows. */
    readonly windows?: boolean;
    /** Of the image `base`, in place of the sound one. */
    readonly template?: string;
  } = {},
): Promise<string[]> {
  const files = new Map(filesOf({ stages: { dev: [DEV], prod: [FAR] }, ...(images && { images }) }));
  if (windows) {
    const linux = files.get('images/base/image.yaml') ?? '';
    files.set('images/base/image.yaml', linux.replace('linux', 'windows'));
  }
  if (template !== undefined) files.set('images/base/image.pkr.hcl', template);
  if (yaml !== '') files.set('config/dev.yaml', yaml);
  const findings = (await examineFactory({ files: checkedOut(files).files, role: 'auditor' })).filter(
    (finding) => finding.check === check,
  );
  if (findings.length === 0) throw new Error(`nothing looked at ${check}`);
  const bad = findings.filter(({ outcome }) => outcome !== 'ok');
  if (bad.some(({ todo }) => todo === '')) throw new Error('a finding does not say what to do');
  return bad.length === 0 ? ['ok'] : bad.map(({ place, outcome, why }) => `${outcome} ${place}: ${why}`);
}

export const DEV_PLACE = targetName(DEV);
