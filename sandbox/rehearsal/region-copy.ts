import type { Image, Parameter, Region } from '../aws/world.ts';

/** What a place holds now, for whoever wants to look at it as it was before. Projects and stop signals are shared. */
export function copyOfRegion(region: Region): Region {
  return {
    accountId: region.accountId,
    region: region.region,
    images: copied(region.images, copyOfImage),
    deregistered: new Set(region.deregistered),
    snapshots: copied(region.snapshots, (snapshot) => ({
      ...withTags(snapshot),
      volumePermissions: new Set(snapshot.volumePermissions),
    })),
    bin: {
      rules: [...region.bin.rules],
      images: new Map(region.bin.images),
      snapshots: new Map(region.bin.snapshots),
    },
    volumes: copied(region.volumes, withTags),
    instances: copied(region.instances, withTags),
    keyPairs: copied(region.keyPairs, withTags),
    securityGroups: copied(region.securityGroups, withTags),
    networkInterfaces: copied(region.networkInterfaces, withTags),
    vpcs: new Map(region.vpcs),
    subnets: new Map(region.subnets),
    routeTables: new Map(region.routeTables),
    vpcEndpoints: new Map(region.vpcEndpoints),
    secrets: new Map(region.secrets),
    launchTemplates: copied(region.launchTemplates, (template) => ({
      ...withTags(template),
      versions: [...template.versions],
    })),
    launchConfigurations: new Map(region.launchConfigurations),
    autoScalingGroups: new Map(region.autoScalingGroups),
    parameters: copied(region.parameters, copyOfParameter),
    unvalidated: copied(region.unvalidated, copyOfParameter),
    commands: new Map(region.commands),
    projects: region.projects,
    builds: copied(region.builds, (build) => ({
      ...build,
      phases: build.phases.map((phase) => ({ ...phase })),
      exported: new Map(build.exported),
    })),
    copies: new Map(region.copies),
    counters: new Map(region.counters),
  };
}

const copied = <T>(things: ReadonlyMap<string, T>, copy: (thing: T) => T): Map<string, T> =>
  new Map([...things].map(([id, thing]) => [id, copy(thing)]));

const withTags = <T extends { readonly tags: ReadonlyMap<string, string> }>(thing: T): T => ({
  ...thing,
  tags: new Map(thing.tags),
});

function copyOfImage(image: Image): Image {
  const { users, organizations, units } = image.launchPermissions;
  return {
    ...withTags(image),
    launchPermissions: {
      users: new Set(users),
      organizations: new Set(organizations),
      units: new Set(units),
    },
  };
}

const copyOfParameter = (parameter: Parameter): Parameter => ({
  ...withTags(parameter),
  versions: parameter.versions.map((version) => ({ ...version, labels: new Set(version.labels) })),
});
