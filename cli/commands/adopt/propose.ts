/** What `image.yaml` and the layer of an image say that takes a directory of Packer: as far as the template itself tells. */
import { posix } from 'node:path';
import type { PackleaderVariable } from '../../../core/configuration/settings.ts';
import { everyAttribute } from '../../../core/templates/adopted/rewrite.ts';
import type { Attribute, Block, Known, Literal } from '../../../core/templates/hcl.ts';
import { resolved, volumesIn } from '../../../core/templates/requirements.ts';
import type { Template, Usage } from '../../../core/templates/template.ts';

export interface Proposal {
  readonly platform: 'linux' | 'windows';
  readonly variables: Readonly<Record<string, PackleaderVariable>>;
  readonly rootDeviceName?: string;
  /** Of the layer. */
  readonly source?: unknown;
  readonly architecture?: 'arm64';
  readonly instanceType?: string;
  readonly rootVolumeSizeGiB: number;
}

/** Where a template says what packleader tells, when it says it by a variable. */
const SAID_BY: Readonly<Record<string, PackleaderVariable>> = {
  ami_name: 'ami_name',
  region: 'region',
  source_ami: 'source_ami',
  vpc_id: 'vpc_id',
  subnet_id: 'subnet_id',
  security_group_ids: 'security_group_ids',
  iam_instance_profile: 'instance_profile',
};

/** Images whose root is not where Amazon's have it. */
const ROOT_IS_SDA1 = /ubuntu|rhel|red ?hat|rocky|alma|centos|sles|suse|fedora/i;
/** No smaller than what Amazon's images are. */
const USUAL_VOLUME_GIB = { linux: 16, windows: 30 } as const;

export function propose(
  { locals, variables, blocks }: Template,
  { source, added }: Usage,
  literalOf: (text: string, known: Known) => Literal | undefined,
  /** What files of variables state, by the variable. */
  stated: ReadonlyMap<string, Attribute>,
): Proposal {
  const defaults = new Map(
    blocks
      .filter(({ type }) => type === 'variable')
      .map(({ labels: [name = ''], attributes }) => [name, attributes.get('default')]),
  );
  const known =
    (seen: readonly string[]): Known =>
    (reference) => {
      const [kind = '', name = '', ...parts] = reference.split('.');
      const found = kind === 'var' ? (stated.get(name) ?? defaults.get(name)) : locals.get(name);
      if (!found || !/^(var|local)$/.test(kind) || seen.includes(reference)) return undefined;
      const whole = literalOf(found.text, known([...seen, reference]));
      return parts.reduce<Literal | undefined>((of, part) => fieldOf(of, part), whole);
    };
  const value = (attribute: Attribute | undefined): Literal | undefined =>
    attribute && literalOf(attribute.text, known([]));
  const attribute = (name: string): Attribute | undefined =>
    added?.attributes.get(name) ?? source.attributes.get(name);
  const all = [...source.blocks, ...(added?.blocks ?? [])];

  const platform = value(attribute('communicator')) === 'winrm' ? 'windows' : 'linux';
  const filtered = sourceOf();
  const volumes = volumesIn(all);
  const size = value(volumes[0]?.attributes.get('volume_size'));
  const instanceType = value(attribute('instance_type'));
  const isArm =
    /arm64|aarch64/.test(JSON.stringify(filtered ?? '')) ||
    (typeof instanceType === 'string' && /^[a-z]+\d+g[a-z]*\./.test(instanceType));
  return {
    platform,
    variables: mapped(),
    ...(volumes.length === 0 &&
      platform === 'linux' &&
      ROOT_IS_SDA1.test(JSON.stringify(filtered ?? '')) && { rootDeviceName: '/dev/sda1' }),
    ...(filtered !== undefined && { source: filtered }),
    ...(isArm && { architecture: 'arm64' }),
    ...(typeof instanceType === 'string' && { instanceType }),
    rootVolumeSizeGiB: typeof size === 'number' ? size : USUAL_VOLUME_GIB[platform],
  };

  function mapped(): Record<string, PackleaderVariable> {
    const direct = Object.entries(SAID_BY).flatMap(([name, told]) => {
      const found = attribute(name);
      const variable = found && /^var\.([\w-]+)$/.exec(resolved(found, locals))?.[1];
      return variable !== undefined && defaults.has(variable) ? [[variable, told] as const] : [];
    });
    // A variable that must be set, and has the name of what packleader tells.
    const byName = variables.flatMap(({ name, default: byDefault }) => {
      const told = Object.values(SAID_BY).find((one) => one === name);
      return byDefault === undefined && told !== undefined ? [[name, told] as const] : [];
    });
    const typed = attribute('instance_type');
    const type = typed && /^var\.([\w-]+)$/.exec(resolved(typed, locals))?.[1];
    const asked = variables.some((one) => one.name === type && one.default === undefined);
    return {
      ...Object.fromEntries(byName),
      ...(asked && type !== undefined && { [type]: 'instance_type' as const }),
      ...Object.fromEntries(direct),
    };
  }

  function sourceOf(): unknown {
    const filter = all.find(({ type }) => type === 'source_ami_filter');
    if (filter) return filterOf(filter);
    const told = attribute('source_ami');
    if (!told) return undefined;
    const looked = /\bdata\.amazon-ami\.([\w-]+)\.id\b/.exec(resolved(told, locals))?.[1];
    const data = blocks.find(
      ({ type, labels }) => type === 'data' && labels[0] === 'amazon-ami' && labels[1] === looked,
    );
    if (data) return filterOf(data);
    const id = value(told);
    const region = value(attribute('region'));
    return typeof id === 'string' && typeof region === 'string' && id.startsWith('ami-')
      ? { ids: { [region]: id } }
      : undefined;
  }

  function filterOf(block: Block): unknown {
    const filter = value(block.attributes.get('filters') ?? block.attributes.get('filter'));
    const owners = value(block.attributes.get('owners'));
    return isMap(filter) && Array.isArray(owners) ? { filter, owners } : undefined;
  }
}

const isMap = (one: Literal | undefined): one is Readonly<Record<string, Literal>> =>
  typeof one === 'object' && one !== null && !Array.isArray(one);

const fieldOf = (one: Literal | undefined, name: string): Literal | undefined =>
  isMap(one) && Object.hasOwn(one, name) ? one[name] : undefined;

/** The paths out of a directory that a template names, seen from the directory. What a variable makes of them nobody knows. */
export function pathsOutside({ blocks }: Template): string[] {
  const named = everyAttribute(blocks).flatMap(({ text }) =>
    [...text.matchAll(/"(?:\$\{path\.(?:root|cwd)\}\/)?((?:\.\.\/)+[^"$*{}]*)"/g)].map(([, path = '']) =>
      posix.normalize(path).replace(/\/$/, ''),
    ),
  );
  return [...new Set(named)].sort();
}
