import { describe, expect, test } from 'vitest';
import { networkChecks } from '../../../cli/commands/doctor/bakes/network.ts';
import { examinedTargets } from '../../../cli/commands/doctor/bakes/planned-bakes.ts';
import { examineAll } from '../../../cli/commands/doctor/finding.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { NAMES, parameters } from '../../../core/contract/names.ts';
import { addImage, addParameter } from '../../../sandbox/rehearsal/own-things.ts';
import { DEV, HUB } from '../../fixtures/accounts.ts';
import { AL2023, filesOf } from '../../fixtures/factories.ts';
import { SOUND_TEMPLATE } from '../../fixtures/templates.ts';
import { ownerOf } from '../../sandbox/fixture.ts';
import {
  type BakesWorld,
  DEV_PLACE,
  FAR_SUBNET,
  GROUP,
  MAIN,
  OWN,
  PROFILE,
  PROFILE_OF_BUILDERS,
  SUBNET,
  VPC,
  auditor,
  bakesWorld,
  change,
  defaultRoute,
  findingsOf,
} from './doctor-bakes-world.ts';
import { FAR } from './doctor-world.ts';

const subnet = `subnet ${SUBNET}`;
const IGW = { GatewayId: 'igw-0123456789abcdef0' };

describe('the network of bakes', () => {
  test('is well with a NAT gateway', async () => {
    bakesWorld();
    expect(await findingsOf(`VPC ${VPC}`)).toEqual(['ok']);
    expect(await findingsOf(subnet)).toEqual(['ok']);
  });

  test('is looked at once, however many images name it', async () => {
    const { sandbox } = bakesWorld();
    await findingsOf(subnet, { images: { base: AL2023, web: AL2023, db: AL2023 } });
    const calls = sandbox.calls.filter(({ operation }) => operation === 'DescribeSubnets');
    expect(calls.map(({ accountId }) => accountId)).toEqual([DEV.accountId, FAR.accountId]);
  });

  test('fails without the VPC', async () => {
    const { dev } = bakesWorld();
    dev.vpcs.clear();
    expect(await findingsOf(`VPC ${VPC}`)).toEqual([
      `failed ${DEV_PLACE}: there is no VPC ${VPC} in ${DEV_PLACE}`,
    ]);
  });

  test('fails without the subnet, in another VPC, and without a free address', async () => {
    const { dev } = bakesWorld();
    const why = `failed ${DEV_PLACE}: `;
    change(dev.subnets, SUBNET, { freeAddresses: 0 });
    expect(await findingsOf(subnet)).toEqual([`${why}${SUBNET} in ${DEV_PLACE} has no free address`]);
    change(dev.subnets, SUBNET, { vpcId: 'vpc-0eeeeeeeeeeeeeeee' });
    expect(await findingsOf(subnet)).toEqual([
      `${why}${SUBNET} in ${DEV_PLACE} is in vpc-0eeeeeeeeeeeeeeee, not in ${VPC}`,
    ]);
    dev.subnets.clear();
    expect(await findingsOf(subnet)).toEqual([`${why}there is no subnet ${SUBNET} in ${DEV_PLACE}`]);
  });

  test('looks at every subnet that a builder may run in, by its id and by its tags', async () => {
    const { dev } = bakesWorld();
    const other = 'subnet-0aaaaaaaaaaaaaaaa';
    const yaml = `network: { vpcId: ${VPC}, subnetIds: [${other}], subnetTags: { Tier: build } }`;
    const tagged = `subnets of ${VPC} with Tier=build`;
    expect(await findingsOf(`subnet ${other}`, { yaml })).toEqual([
      expect.stringContaining(`there is no subnet ${other} in ${DEV_PLACE}`),
    ]);
    expect(await findingsOf(tagged, { yaml })).toEqual([
      `failed ${DEV_PLACE}: no subnet of ${VPC} in ${DEV_PLACE} has the tags Tier=build`,
    ]);
    dev.subnets.get(SUBNET)?.tags.set('Tier', 'build');
    expect(await findingsOf(tagged, { yaml })).toEqual(['ok']);
    defaultRoute(dev, undefined);
    expect(await findingsOf(tagged, { yaml })).toEqual([expect.stringContaining('has no way out')]);
  });

  test('takes the main route table of the VPC when the subnet has none of its own', async () => {
    const { dev } = bakesWorld();
    dev.routeTables.delete(OWN);
    expect(await findingsOf(subnet)).toEqual([
      `failed ${DEV_PLACE}: ${SUBNET} in ${DEV_PLACE} has no way out: ${MAIN} has no default route`,
    ]);
    change(dev.routeTables, MAIN, {
      routes: [{ DestinationCidrBlock: '0.0.0.0/0', TransitGatewayId: 'tgw-1', State: 'active' }],
    });
    expect(await findingsOf(subnet)).toEqual(['ok']);
  });

  test('fails when the default route is a blackhole', async () => {
    const { dev } = bakesWorld();
    defaultRoute(dev, { NatGatewayId: 'nat-0dead', State: 'blackhole' });
    expect(await findingsOf(subnet)).toEqual([
      `failed ${DEV_PLACE}: the default route of ${SUBNET} in ${DEV_PLACE}, to nat-0dead, is blackhole, not active`,
    ]);
  });

  test('fails when the default route ends in a peered VPC', async () => {
    const { dev } = bakesWorld();
    defaultRoute(dev, { VpcPeeringConnectionId: 'pcx-1' });
    expect(await findingsOf(subnet)).toEqual([
      expect.stringContaining('leads to pcx-1, and peering goes no further than its VPC'),
    ]);
  });

  test('fails behind an internet gateway without a public address, and not with one', async () => {
    const { dev } = bakesWorld();
    defaultRoute(dev, IGW);
    expect(await findingsOf(subnet)).toEqual([
      `failed ${DEV_PLACE}: ${SUBNET} in ${DEV_PLACE} goes out through ${IGW.GatewayId}, but gives the builders of base no public address`,
    ]);
    expect(await findingsOf(subnet, { yaml: 'sshInterface: public_ip' })).toEqual(['ok']);
    const images = { base: AL2023, web: `${AL2023}\nsshInterface: session_manager` };
    expect(await findingsOf(subnet, { yaml: 'sshInterface: public_ip', images })).toEqual([
      expect.stringContaining('but gives the builders of web no public address'),
    ]);
    change(dev.subnets, SUBNET, { givesPublicAddress: true });
    expect(await findingsOf(subnet)).toEqual(['ok']);
  });

  test('fails for a public address behind a NAT gateway', async () => {
    bakesWorld();
    expect(await findingsOf(subnet, { yaml: 'sshInterface: public_ip' })).toEqual([
      expect.stringContaining('reaches the builders of base at a public address'),
    ]);
  });

  test('needs no way out where Session Manager has its endpoints, and both of them', async () => {
    const { dev } = bakesWorld();
    defaultRoute(dev);
    const endpoint = (service: string) =>
      dev.vpcEndpoints.set(service, {
        vpcEndpointId: service,
        vpcId: VPC,
        serviceName: `com.amazonaws.${DEV.region}.${service}`,
        state: 'Available',
        tags: new Map(),
      });
    endpoint('ssm');
    expect(await findingsOf(subnet)).toEqual([expect.stringContaining('has no way out')]);
    endpoint('ssmmessages');
    expect(await findingsOf(subnet)).toEqual(['ok']);
    const images = { base: AL2023, web: `${AL2023}\nsshInterface: private_ip` };
    expect(await findingsOf(subnet, { images })).toEqual([expect.stringContaining('has no way out')]);
  });

  test('fails when builders are reached at a private address, unless builds run in a VPC', async () => {
    const { sandbox } = bakesWorld();
    const yaml = 'sshInterface: private_ip';
    expect(await findingsOf('VPC of bakes', { yaml })).toEqual([
      `failed ${DEV.accountId}: the builders of base are reached at a private address, but builds in ${DEV.accountId} run in no VPC`,
    ]);
    const { projects } = sandbox.world.region(DEV.accountId, HUB.region);
    change(projects, NAMES.bakeProject, { vpcId: VPC });
    expect(await findingsOf('VPC of bakes', { yaml })).toEqual(['ok']);
  });

  test('is that of builders with Windows, which are reached at a private address unless a variable says otherwise', async () => {
    const { dev, far } = bakesWorld();
    expect(await findingsOf('VPC of bakes', { windows: true })).toHaveLength(2);
    for (const place of [dev, far]) defaultRoute(place, IGW);
    const yaml = 'variables: { winrm_interface: public_ip }';
    expect(await findingsOf(subnet, { windows: true, yaml })).toEqual(['ok']);
    expect(await findingsOf(`subnet ${FAR_SUBNET}`, { windows: true, yaml })).toEqual([
      expect.stringContaining(`failed ${FAR.accountId}/${FAR.region}: `),
    ]);
  });

  test('could not be looked at when it is denied', async () => {
    const { sandbox } = bakesWorld();
    auditor(sandbox, DEV.accountId, /^(?!ec2:DescribeRouteTables)/);
    expect(await findingsOf(subnet)).toEqual([
      expect.stringContaining(`not checked ${DEV_PLACE}: UnauthorizedOperation`),
    ]);
  });
});

describe('the default VPC', () => {
  const id = 'vpc-0dddddddddddddddd';
  const zones = ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'];

  /** What is looked at when no layer names a network. */
  async function verdict({ sandbox }: BakesWorld) {
    const [target] = examinedTargets(loadConfiguration(filesOf({ stages: { dev: [DEV] } })));
    const bakes = (target?.bakes ?? []).map((bake) => ({ ...bake, network: undefined }));
    const where = { ec2: ownerOf(sandbox, DEV), region: DEV.region, place: DEV_PLACE };
    const [finding, ...others] = await examineAll(DEV_PLACE, networkChecks(where, bakes));
    expect(others).toEqual([]);
    return `${finding?.outcome}: ${finding?.why}`;
  }

  function addDefaultVpc({ dev }: BakesWorld): void {
    const tags = new Map<string, string>();
    const own = { vpcId: id, isDefault: true, tags };
    dev.vpcs.set(id, { ...own, cidr: '172.31.0.0/16' });
    for (const subnetId of zones)
      dev.subnets.set(subnetId, { ...own, subnetId, givesPublicAddress: true, freeAddresses: 4_000 });
    const route = { DestinationCidrBlock: '0.0.0.0/0', State: 'active', ...IGW } as const;
    dev.routeTables.set('rtb-default', {
      routeTableId: 'rtb-default',
      vpcId: id,
      isMain: true,
      subnetIds: [],
      routes: [route],
      tags,
    });
  }

  test('is well as AWS makes it', async () => {
    const world = bakesWorld();
    addDefaultVpc(world);
    expect(await verdict(world)).toBe(`ok: ${id}, ${zones.join(', ')}`);
  });

  test('fails when there is none, without subnets, or when one of them has no way out', async () => {
    const world = bakesWorld();
    expect(await verdict(world)).toBe(
      `failed: ${DEV_PLACE} has no default VPC, and the configuration names no network for base`,
    );
    addDefaultVpc(world);
    change(world.dev.subnets, zones[1] ?? '', { givesPublicAddress: false });
    expect(await verdict(world)).toContain(`failed: ${zones[1]} in ${DEV_PLACE} goes out through`);
    for (const subnetId of zones) world.dev.subnets.delete(subnetId);
    expect(await verdict(world)).toBe(`failed: the default VPC ${id} of ${DEV_PLACE} has no default subnet`);
  });
});

describe('security groups', () => {
  const yaml = `network: { securityGroupIds: [${GROUP}] }`;
  const check = `security group ${GROUP}`;

  test('are well in the VPC of the network', async () => {
    bakesWorld();
    expect(await findingsOf(check, { yaml })).toEqual(['ok']);
  });

  test('fail when they are missing, or of another VPC', async () => {
    const { dev } = bakesWorld();
    change(dev.securityGroups, GROUP, { vpcId: 'vpc-0eeeeeeeeeeeeeeee' });
    expect(await findingsOf(check, { yaml })).toEqual([
      `failed ${DEV_PLACE}: the security group ${GROUP} in ${DEV_PLACE} is of vpc-0eeeeeeeeeeeeeeee, not of ${VPC}`,
    ]);
    dev.securityGroups.clear();
    expect(await findingsOf(check, { yaml })).toEqual([
      `failed ${DEV_PLACE}: there is no security group ${GROUP} in ${DEV_PLACE}`,
    ]);
  });
});

describe('the instance profile of builders', () => {
  const check = `instance profile ${PROFILE}`;

  test('is well with a role that bakes may pass on', async () => {
    bakesWorld();
    expect(await findingsOf(check)).toEqual(['ok']);
  });

  test('fails when it is missing, has no role, or one that bakes may not pass on or EC2 not assume', async () => {
    const { sandbox } = bakesWorld();
    const { instanceProfiles } = sandbox.world;
    const key = `${DEV.accountId}/${PROFILE}`;
    const why = `failed ${DEV.accountId}: `;
    instanceProfiles.set(key, { ...PROFILE_OF_BUILDERS, roleNames: ['administrator'] });
    expect(await findingsOf(check)).toEqual([
      `${why}bakes in ${DEV.accountId} may not use the role administrator: its name does not begin with ${PROFILE}, or it has a path`,
    ]);
    instanceProfiles.set(key, { ...PROFILE_OF_BUILDERS, trusts: 'lambda.amazonaws.com' });
    expect(await findingsOf(check)).toEqual([
      `${why}the role ${PROFILE} of the instance profile ${PROFILE} in ${DEV.accountId} does not let in EC2`,
    ]);
    instanceProfiles.set(key, { ...PROFILE_OF_BUILDERS, roleNames: [] });
    expect(await findingsOf(check)).toEqual([
      `${why}the instance profile ${PROFILE} in ${DEV.accountId} has no role`,
    ]);
    instanceProfiles.delete(key);
    expect(await findingsOf(check)).toEqual([
      `${why}there is no instance profile ${PROFILE} in ${DEV.accountId}`,
    ]);
  });

  test('of AMIs under test is looked at where there are any', async () => {
    const { sandbox } = bakesWorld();
    const name = 'packleader-tested';
    const asked = { yaml: 'test: {}' };
    const tested = `instance profile ${name}`;
    await expect(findingsOf(tested)).rejects.toThrow(`nothing looked at ${tested}`);
    expect(await findingsOf(tested, asked)).toEqual([
      `failed ${DEV.accountId}: there is no instance profile ${name} in ${DEV.accountId}`,
    ]);
    const made = { name, roleNames: [name], trusts: 'ec2.amazonaws.com' };
    sandbox.world.instanceProfiles.set(`${DEV.accountId}/${name}`, made);
    expect(await findingsOf(tested, asked)).toEqual(['ok']);
  });

  test('could not be looked at when it is denied', async () => {
    const { sandbox } = bakesWorld();
    auditor(sandbox, DEV.accountId, /^(?!iam:)/);
    expect(await findingsOf(check)).toEqual([
      expect.stringContaining(`not checked ${DEV.accountId}: AccessDenied`),
    ]);
  });
});

describe('secrets', () => {
  const name = 'packleader/licence';
  const yaml = `variables: { licence: { secretsManager: ${name} }, again: { secretsManager: ${name} } }`;
  const check = `secret ${name}`;
  const mayNotRead = /^ec2:/;

  test('are well when bakes may read them, and nobody asks for a value', async () => {
    const { sandbox, dev } = bakesWorld();
    dev.secrets.set(name, { name, hasValue: true });
    expect(await findingsOf(check, { yaml })).toEqual(['ok']);
    const calls = sandbox.calls.filter(({ service }) => service === 'secretsmanager');
    expect(calls.map(({ operation }) => operation)).toEqual(['DescribeSecret']);
  });

  test('fail when they are missing, have no value, are being deleted, or bakes may not read them', async () => {
    const { sandbox, dev } = bakesWorld();
    const why = `failed ${DEV_PLACE}: `;
    expect(await findingsOf(check, { yaml })).toEqual([`${why}there is no secret ${name} in ${DEV_PLACE}`]);
    dev.secrets.set(name, { name, hasValue: false });
    expect(await findingsOf(check, { yaml })).toEqual([
      `${why}the secret ${name} in ${DEV_PLACE} has no value`,
    ]);
    dev.secrets.set(name, { name, hasValue: true, deletedAt: 0 });
    expect(await findingsOf(check, { yaml })).toEqual([
      `${why}the secret ${name} in ${DEV_PLACE} is being deleted`,
    ]);
    dev.secrets.set(name, { name, hasValue: true });
    change(sandbox.world.roles, `${DEV.accountId}/packleader-bake`, { allows: mayNotRead });
    expect(await findingsOf(check, { yaml })).toEqual([
      expect.stringMatching(/IAM refuses secretsmanager:GetSecretValue on \S+ to bakes \(implicitDeny\)/),
    ]);
  });

  test('of Parameter Store are well when they are there, and fail when not', async () => {
    const { sandbox } = bakesWorld();
    const parameter = '/packleader/secrets/licence';
    const stored = `variables: { licence: { ssmParameter: ${parameter} } }`;
    expect(await findingsOf(`parameter ${parameter}`, { yaml: stored })).toEqual([
      `failed ${DEV_PLACE}: there is no parameter ${parameter} in ${DEV_PLACE}`,
    ]);
    addParameter(sandbox.world, DEV, parameter, 'a secret');
    expect(await findingsOf(`parameter ${parameter}`, { yaml: stored })).toEqual(['ok']);
    // By its version, or by its ARN, it is the same one.
    const arn = `arn:aws:ssm:${DEV.region}:${DEV.accountId}:parameter${parameter}`;
    for (const reference of [`${parameter}:1`, arn]) {
      const selected = `variables: { licence: { ssmParameter: '${reference}' } }`;
      expect(await findingsOf(`parameter ${reference}`, { yaml: selected })).toEqual(['ok']);
    }
  });

  test('could not be looked at when it is denied', async () => {
    const { sandbox, dev } = bakesWorld();
    dev.secrets.set(name, { name, hasValue: true });
    auditor(sandbox, DEV.accountId, /^(?!iam:Simulate)/);
    expect(await findingsOf(check, { yaml })).toEqual([
      expect.stringContaining(`not checked ${DEV_PLACE}: AccessDenied`),
    ]);
  });
});

describe('source AMIs', () => {
  test.each([
    [
      'another root device',
      { template: SOUND_TEMPLATE.replace('/dev/xvda', '/dev/sda1') },
      'its root device is /dev/xvda, and the template makes /dev/sda1: it must map the source’s own',
    ],
    [
      'a smaller root volume',
      { yaml: 'rootVolumeSizeGiB: 4\n' },
      'its root volume has 8 GiB, and rootVolumeSizeGiB is 4: no volume is smaller than its snapshot',
    ],
    ['another platform', { windows: true }, 'it is a linux AMI, the image is for windows'],
  ])('fail as the release would when the template asks for %s', async (_, spoilt, why) => {
    bakesWorld();
    expect(await findingsOf('source AMI of base', spoilt)).toContainEqual(
      expect.stringMatching(new RegExp(`^failed ${DEV_PLACE}: .*${why}`)),
    );
  });

  test('are not compared with a template that cannot be read: validate says why', async () => {
    bakesWorld();
    expect(await findingsOf('source AMI of base', { template: 'source {' })).toEqual(['ok']);
  });

  test('are well when each is found, once for the images that start from the same', async () => {
    bakesWorld();
    expect(await findingsOf('source AMI of base, web', { images: { base: AL2023, web: AL2023 } })).toEqual([
      'ok',
    ]);
  });

  test('fail where one is missing, and only there', async () => {
    const { sandbox } = bakesWorld();
    const createdAt = sandbox.clock.milliseconds();
    const imageId = addImage(sandbox.world, FAR, { name: 'golden', tags: new Map(), createdAt });
    addParameter(sandbox.world, FAR, '/golden/ami', imageId);
    expect(await findingsOf('source AMI of base', { images: { base: 'ssmParameter: /golden/ami' } })).toEqual(
      [`failed ${DEV_PLACE}: ${DEV_PLACE}: There is no parameter /golden/ami.`],
    );
  });

  test('are not checked where one is a product of AWS Marketplace: only a launch tells who is subscribed', async () => {
    const { sandbox, dev } = bakesWorld();
    const createdAt = sandbox.clock.milliseconds();
    for (const target of [DEV, FAR]) {
      const imageId = addImage(sandbox.world, target, { name: 'golden', tags: new Map(), createdAt });
      addParameter(sandbox.world, target, '/golden/ami', imageId);
      const image = dev.images.get(imageId);
      if (image) dev.images.set(imageId, { ...image, productCode: '3gruvlcso4s66wfg2mdzxg8z6' });
    }
    expect(await findingsOf('source AMI of base', { images: { base: 'ssmParameter: /golden/ami' } })).toEqual(
      [
        expect.stringMatching(
          new RegExp(
            `^not checked ${DEV_PLACE}: ami-\\w+ golden is a product of AWS Marketplace, https://aws\\.amazon\\.com/marketplace/pp\\?sku=3gruvlcso4s66wfg2mdzxg8z6, and only a launch`,
          ),
        ),
      ],
    );
  });

  test('fail when two targets would start from different ones', async () => {
    const { sandbox } = bakesWorld();
    for (const [target, id] of [
      [DEV, 'one'],
      [FAR, 'other'],
    ] as const) {
      // Of a third account, which shares it with both: an account's own AMIs may differ.
      const owner = { accountId: '333333333333', region: target.region };
      const imageId = addImage(sandbox.world, owner, {
        name: `golden-${id}`,
        tags: new Map(),
        createdAt: sandbox.clock.milliseconds(),
      });
      const image = sandbox.world.region(owner.accountId, owner.region).images.get(imageId);
      if (!image) throw new Error('it was just made');
      image.launchPermissions.users.add(target.accountId);
      sandbox.world.shared.set(owner.region, new Map([[imageId, image]]));
      addParameter(sandbox.world, target, '/golden/ami', imageId);
    }
    expect(await findingsOf('source AMI of base', { images: { base: 'ssmParameter: /golden/ami' } })).toEqual(
      [expect.stringMatching(/^failed all targets: The targets would start from different source AMIs: /)],
    );
  });

  test('of a base that is not released anywhere yet are well: a release takes the base first', async () => {
    bakesWorld();
    expect(await findingsOf('source AMI of web', { images: { base: AL2023, web: 'image: base' } })).toEqual([
      'ok',
    ]);
  });

  test('fail where the base is not released, once it is elsewhere', async () => {
    const { sandbox } = bakesWorld();
    const createdAt = sandbox.clock.milliseconds();
    const imageId = addImage(sandbox.world, DEV, { name: 'base', tags: new Map(), createdAt });
    addParameter(sandbox.world, DEV, parameters.version('base', '1.4.20261121093000'), imageId);
    const place = `${FAR.accountId}/${FAR.region}`;
    expect(await findingsOf('source AMI of web', { images: { base: AL2023, web: 'image: base' } })).toEqual([
      `failed ${place}: No version of base is released in all of ${place}; release base first.`,
    ]);
  });

  test('could not be looked at when it is denied', async () => {
    const { sandbox } = bakesWorld();
    auditor(sandbox, DEV.accountId, /^(?!ssm:GetParameter)/);
    expect(await findingsOf('source AMI of base')).toEqual([
      expect.stringContaining(`not checked ${DEV_PLACE}: AccessDenied`),
    ]);
  });
});
