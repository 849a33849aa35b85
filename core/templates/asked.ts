/** What a template asks of its AMI, as far as that can be told without Packer. */
import type { AskedAmi } from '../contract/asked-amis.ts';
import type { Attribute } from './hcl.ts';
import type { Template } from './template.ts';

/** What Packer is told, by variable. */
export type Told = Readonly<Record<string, unknown>>;

const SURROGATE = 'amazon-ebssurrogate.';

/** Whatever a template computes is not in it: what is absent cannot be told, and is not compared. */
export type AskedByTemplate = Pick<AskedAmi, 'devices' | 'amiDevices' | 'rootDevice' | 'bootMode'>;

/** What the sources of one template ask for, told these variables. */
export function askedByTemplate(template: Template, told: Told): AskedByTemplate {
  const [source] = template.sources;
  if (source === undefined) return {};
  const bootMode = valueOf(source.attributes.get('boot_mode'), template, told);
  const devices = devicesIn(LAUNCHED, template, told);
  const more = devicesIn('ami_block_device_mappings', template, told);
  // The AMI of a surrogate is not the builder's: it is registered of a volume that the builder only filled.
  const isSurrogate = source.name.startsWith(SURROGATE);
  const root = source.blocks.find(({ type }) => type === 'ami_root_device');
  const rootDevice = valueOf(root?.attributes.get('device_name'), template, told);
  return {
    ...(!isSurrogate && devices && { devices: namesOf(devices) }),
    ...(!isSurrogate &&
      devices &&
      more && {
        amiDevices: namesOf([...devices, ...more].filter((device) => device.isLeftOut !== true)),
      }),
    ...(isSurrogate && typeof rootDevice === 'string' && { rootDevice }),
    ...(typeof bootMode === 'string' && bootMode !== '' && { bootMode }),
  };
}

const namesOf = (devices: readonly AskedDevice[]): string[] => [...new Set(devices.map(({ name }) => name))];

/**
 * What the source says of the size of the AMI's root; undefined where volumes differ, because which of them is the root only EC2
 * tells, and of a surrogate, whose AMI is registered of another volume.
 */
export function rootVolumeSizeIn(template: Template, told: Told): number | undefined {
  if (template.sources[0]?.name.startsWith(SURROGATE) === true) return undefined;
  const devices = devicesIn(LAUNCHED, template, told)?.filter(({ isLeftOut }) => isLeftOut !== true) ?? [];
  const sizes = new Set(devices.map(({ sizeGiB }) => sizeGiB));
  return sizes.size === 1 ? [...sizes][0] : undefined;
}

/** The blocks of the builder's own volumes. */
export const LAUNCHED = 'launch_block_device_mappings';

/** A volume that a template asks for. */
export interface AskedDevice {
  readonly name: string;
  readonly sizeGiB?: number;
  /** The source's volume of that name, which nothing is made of. */
  readonly isLeftOut?: true;
}

/** The volumes of one type of block; undefined where the template computes them. */
export function devicesIn(type: string, template: Template, told: Told): readonly AskedDevice[] | undefined {
  const blocks = template.sources[0]?.blocks ?? [];
  if (blocks.some((block) => block.type === 'dynamic' && block.labels[0] === type)) return undefined;
  const devices: AskedDevice[] = [];
  for (const block of blocks) {
    if (block.type !== type) continue;
    const name = valueOf(block.attributes.get('device_name'), template, told);
    if (typeof name !== 'string') return undefined;
    const sizeGiB = valueOf(block.attributes.get('volume_size'), template, told);
    const isLeftOut = valueOf(block.attributes.get('no_device'), template, told) === true;
    devices.push({ name, ...(typeof sizeGiB === 'number' && { sizeGiB }), ...(isLeftOut && { isLeftOut }) });
  }
  return devices;
}

/** The value of a literal, of a variable or of a local that is one of them; undefined for anything that Packer computes. */
export function valueOf(
  attribute: Attribute | undefined,
  template: Template,
  told: Told,
  seen: readonly string[] = [],
): unknown {
  if (attribute === undefined) return undefined;
  const text = /^"\$\{\s*([\w.-]+)\s*\}"$/.exec(attribute.text)?.[1] ?? attribute.text.trim();
  const [, kind, name = '', field] = /^(var|local)\.([\w-]+)(?:\.([\w-]+))?$/.exec(text) ?? [];
  if (kind === undefined) return literal(text);
  // Of an object only what is told can be looked into.
  if (field !== undefined) return kind === 'var' ? Reflect.get(Object(told[name]), field) : undefined;
  if (seen.includes(text)) return undefined;
  if (kind === 'local') return valueOf(template.locals.get(name), template, told, [...seen, text]);
  if (told[name] !== undefined) return told[name];
  const declared = template.variables.find((variable) => variable.name === name);
  return valueOf(declared?.default, template, told, [...seen, text]);
}

/** HCL's strings without interpolation, numbers and booleans are JSON's. */
function literal(text: string): unknown {
  if (!/^("[^"$%]*"|\d+|true|false)$/.test(text)) return undefined;
  return JSON.parse(text);
}
