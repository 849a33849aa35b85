/** What publishers offer to everybody in a region: several generations of each system, and a stranger's look-alikes. */
import type { Image, Parameter, PublicRegion, World } from '../aws/world.ts';

const DAY = 86_400_000;
/** How old the generations of an image are. Publishers deprecate after 90 days. */
const AGES_DAYS = [3, 24, 52, 80, 108, 136];
const DEPRECATED_AFTER_DAYS = 90;
const STRANGER = '666655554444';

interface Publication {
  readonly ownerId: string;
  readonly ownerAlias?: 'amazon';
  readonly architecture: Image['architecture'];
  readonly platform?: 'windows';
  readonly imdsSupport?: 'v2.0';
  readonly description: string;
  readonly rootDevice: string;
  readonly sizeGiB: number;
  /** The AMI's name, from the digits of its date: year, month, day. */
  readonly name: (year: string, month: string, day: string) => string;
  /** Public parameters that point at the newest one. */
  readonly parameters: readonly string[];
}

const AMAZON_LINUX = '/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-';

const PUBLICATIONS: readonly Publication[] = [
  ...(['x86_64', 'arm64'] as const).flatMap((architecture) => [
    ...(['6.1', '6.12'] as const).map((kernel) => ({
      ownerId: '137112412989',
      ownerAlias: 'amazon' as const,
      architecture,
      imdsSupport: 'v2.0' as const,
      description: `Amazon Linux 2023 AMI ${architecture} HVM kernel-${kernel}`,
      rootDevice: '/dev/xvda',
      sizeGiB: 8,
      name: (year: string, month: string, day: string) =>
        `al2023-ami-2023.9.${year}${month}${day}.0-kernel-${kernel}-${architecture}`,
      parameters: [
        `${AMAZON_LINUX}${kernel}-${architecture}`,
        ...(kernel === '6.12' ? [`${AMAZON_LINUX}default-${architecture}`] : []),
      ],
    })),
    ubuntu(architecture),
    debian(architecture),
  ]),
  ...(['2022', '2025'] as const).flatMap((year) =>
    (['Full', 'Core'] as const).map((edition) => windows(year, edition)),
  ),
];

function ubuntu(architecture: Image['architecture']): Publication {
  const arch = architecture === 'arm64' ? 'arm64' : 'amd64';
  return {
    ownerId: '099720109477',
    architecture,
    imdsSupport: 'v2.0',
    description: `Canonical, Ubuntu, 24.04, ${arch} noble image`,
    rootDevice: '/dev/sda1',
    sizeGiB: 8,
    name: (year, month, day) =>
      `ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-${arch}-server-${year}${month}${day}`,
    parameters: [`/aws/service/canonical/ubuntu/server/24.04/stable/current/${arch}/hvm/ebs-gp3/ami-id`],
  };
}

function debian(architecture: Image['architecture']): Publication {
  const arch = architecture === 'arm64' ? 'arm64' : 'amd64';
  return {
    ownerId: '136693071363',
    architecture,
    description: `Debian 13 (${arch})`,
    rootDevice: '/dev/xvda',
    sizeGiB: 8,
    name: (year, month, day) => `debian-13-${arch}-${year}${month}${day}-2${month}${day}`,
    parameters: [`/aws/service/debian/release/13/latest/${arch}`],
  };
}

function windows(version: '2022' | '2025', edition: 'Full' | 'Core'): Publication {
  const title = `Windows_Server-${version}-English-${edition}-Base`;
  return {
    ownerId: '801119661308',
    ownerAlias: 'amazon',
    architecture: 'x86_64',
    platform: 'windows',
    description: `Microsoft Windows Server ${version} ${edition} Locale English AMI provided by Amazon`,
    rootDevice: '/dev/sda1',
    sizeGiB: 30,
    name: (year, month, day) => `${title}-${year}.${month}.${day}`,
    parameters: [`/aws/service/ami-windows-latest/${title}`],
  };
}

/** The same AMI ids for every account of one region; the same names in every region. */
export function publicRegion(world: World, region: string, startAt: number): PublicRegion {
  const images = new Map<string, Image>();
  const parameters = new Map<string, Parameter>();
  for (const publication of PUBLICATIONS) {
    for (const age of AGES_DAYS) {
      const image = publish(world, region, publication, startAt - age * DAY);
      images.set(image.imageId, image);
      if (age === AGES_DAYS[0]) {
        for (const name of publication.parameters) parameters.set(name, publicParameter(name, image));
      }
    }
    const { ownerAlias: _ownerAlias, ...lookAlike } = { ...publication, ownerId: STRANGER };
    const image = publish(world, region, lookAlike, startAt - DAY);
    images.set(image.imageId, image);
  }
  return { images, parameters };
}

/** Time has passed: what publishers offer by now is there too, and their parameters point at the newest. */
export function publishNewer(world: World, region: string): void {
  const { images, parameters } = world.publicRegion(region);
  const offered = publicRegion(world, region, world.clock.milliseconds());
  for (const [imageId, image] of offered.images) if (!images.has(imageId)) images.set(imageId, image);
  for (const [name, parameter] of offered.parameters) parameters.set(name, parameter);
}

function publish(world: World, region: string, publication: Publication, createdAt: number): Image {
  const [year = '', month = '', day = ''] = new Date(createdAt).toISOString().slice(0, 10).split('-');
  const name = publication.name(year, month, day);
  const mark = world.hex(`${region}/${publication.ownerId}/${name}`, 32);
  return {
    imageId: `ami-0${mark.slice(0, 16)}`,
    ownerId: publication.ownerId,
    ...(publication.ownerAlias === undefined ? {} : { ownerAlias: publication.ownerAlias }),
    name,
    description: publication.description,
    architecture: publication.architecture,
    ...(publication.platform === undefined ? {} : { platform: publication.platform }),
    ...(publication.imdsSupport === undefined ? {} : { imdsSupport: publication.imdsSupport }),
    createdAt,
    availableAt: createdAt,
    disabled: false,
    deprecatedAt: createdAt + DEPRECATED_AFTER_DAYS * DAY,
    deregistrationProtected: false,
    public: true,
    launchPermissions: { users: new Set(), organizations: new Set(), units: new Set() },
    tags: new Map(),
    blockDevices: [
      {
        deviceName: publication.rootDevice,
        snapshotId: `snap-0${mark.slice(16)}`,
        volumeSizeGiB: publication.sizeGiB,
        volumeType: 'gp3',
        encrypted: false,
      },
    ],
  };
}

const publicParameter = (name: string, image: Image): Parameter => ({
  name,
  type: 'String',
  dataType: 'aws:ec2:image',
  tags: new Map(),
  versions: [
    {
      version: AGES_DAYS.length,
      value: image.imageId,
      at: image.createdAt,
      by: image.ownerId,
      labels: new Set(),
    },
  ],
  issued: AGES_DAYS.length,
});
