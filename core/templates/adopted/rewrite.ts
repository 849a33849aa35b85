/**
 * Gives the source of a template that knows nothing of packleader what the transaction needs, and takes away what it must not have.
 * Everything else stays as it is, byte for byte.
 */
import type { PackerDirectory } from '../../configuration/packer-directory.ts';
import { type PackleaderVariable, SPOT } from '../../configuration/settings.ts';
import type { Attribute, Block, Span } from '../hcl.ts';
import { FORBIDDEN, IDLE, isManifestRead, reach, resolved, type ToldAs, volumesIn } from '../requirements.ts';
import type { Template, TemplateFiles, Usage } from '../template.ts';
import { atEndOf, type Edit, without } from './edits.ts';
import { ALONE, MANIFEST, SOURCE_AMI, TAGS, TOLD } from './own-file.ts';

/** What is different in the copy that is baked. */
export interface Change {
  readonly file: string;
  /** In the file as it is written. */
  readonly line: number;
  readonly change: 'adds' | 'replaces' | 'takes away';
  readonly what: string;
  readonly why: string;
}

export interface Rewritten {
  readonly edits: ReadonlyMap<string, readonly Edit[]>;
  readonly changes: readonly Change[];
}

export interface Rewriting {
  readonly template: Template;
  readonly files: TemplateFiles;
  readonly usage: Usage;
  readonly packer: PackerDirectory;
  /** Of the source AMI, where nothing in the template says it. */
  readonly rootDeviceName: string;
}

/** By what a template is told: the expressions that are it in the copy, the first of which a rewrite writes. */
export const toldBy =
  ({ variables }: Pick<PackerDirectory, 'variables'>): ToldAs =>
  (told) => {
    const own = `var.${ALONE[told] ?? `${TOLD}.${told}`}`;
    const mapped = Object.entries(variables).filter(([, name]) => name === told);
    return [own, ...mapped.map(([name]) => `var.${name}`)];
  };

const OF_ONE_ACCOUNT = 'it is of one account: `network` in the layers says it for each';
const OWN_ROLE = 'a bake has the credentials of its role';

/** Taken away besides what no template may have. */
const TAKEN: Readonly<Record<string, string>> = {
  ami_regions: 'copies in other regions are not part of the release: make each region a target',
  assume_role: OWN_ROLE,
  encrypt_boot: 'the volumes are encrypted from the start, and not in a second AMI',
  kms_key_id: 'each volume names the key of its target',
  mfa_code: OWN_ROLE,
  security_group_id: OF_ONE_ACCOUNT,
  shared_credentials_file: OWN_ROLE,
  spot_instance_types: 'the bake chooses the type of its builder: `instanceTypes` in the layers says which',
  source_ami_filter: 'the source AMI is resolved once for all accounts: `source` in the layers says how',
  temporary_iam_instance_profile_policy_document:
    'a bake may make no roles: `instanceProfile` in the layers names one that is there',
  vault_aws_engine: OWN_ROLE,
};
/** What a data source may have of these. */
const CREDENTIALS = [
  'access_key',
  'assume_role',
  'mfa_code',
  'profile',
  'secret_key',
  'shared_credentials_file',
  'token',
  'vault_aws_engine',
];
/** What nobody can take away without changing what the image is. */
const REFUSED = ['ami_product_codes'];

/** What a tag of packleader's own would be overwritten by. */
const OWN_TAG = /^"(Name|Version|AutoCleanup|packleader:.*)"$/;
const TAGGED = ['tags', 'snapshot_tags', 'run_tags', 'run_volume_tags'] as const;

export function rewritten(rewriting: Rewriting): Rewritten {
  const rewriter = new Rewriter(rewriting);
  rewriter.rewrite();
  return rewriter;
}

class Rewriter implements Rewritten {
  readonly edits = new Map<string, Edit[]>();
  readonly changes: Change[] = [];
  readonly #rewriting: Rewriting;
  readonly #told: ToldAs;
  /** Lines for the end of the source. */
  readonly #added: string[] = [];

  constructor(rewriting: Rewriting) {
    this.#rewriting = rewriting;
    this.#told = toldBy(rewriting.packer);
  }

  rewrite(): void {
    const { usage, template } = this.#rewriting;
    const looked = lookUps(this.#attribute('source_ami'), template);
    this.#tell('region', 'region', 'the AMI must be in its target');
    this.#tell('source_ami', 'source_ami', 'the release has pinned it, for every account');
    this.#tell('ami_name', 'ami_name', 'the name says image, version and commit, and a rollback finds it');
    this.#set(
      'imds_support',
      ['"v2.0"', '"v2.0"'],
      'instances must not serve credentials to whoever asks without a token',
    );
    for (const name of TAGGED) this.#tag(name);
    this.#spot();
    this.#network();
    this.#encrypt();
    this.#takeAway();
    this.#addTo(usage.source, this.#added);
    this.#manifest();
    for (const block of template.blocks)
      if (block.type === 'data' && looked.has(block.labels.join('.'))) this.#pin(block);
  }

  /** Where the source says something: in itself, or in the build that uses it. */
  get #places(): readonly Block[] {
    const { source, added } = this.#rewriting.usage;
    return added ? [source, added] : [source];
  }

  #attribute(name: string): Attribute | undefined {
    return this.#places.map(({ attributes }) => attributes.get(name)).find((one) => one !== undefined);
  }

  #edit(file: string, edit: Edit): void {
    this.edits.set(file, [...(this.edits.get(file) ?? []), edit]);
  }

  #changed(change: Change['change'], what: string, why: string, { file, line }: Attribute | Block): void {
    this.changes.push({ file, line, change, what, why });
  }

  #addTo(block: Block, lines: readonly string[]): void {
    for (const edit of atEndOf(this.#text(block.file), block, aligned(lines))) this.#edit(block.file, edit);
  }

  #text(file: string): string {
    return this.#rewriting.files.get(file) ?? '';
  }

  #replace(attribute: Attribute, expression: string, why: string): void {
    if (!attribute.value) return;
    this.#edit(attribute.file, { ...attribute.value, text: expression });
    this.#changed('replaces', `${attribute.name} = ${firstLine(attribute.text)}`, why, attribute);
  }

  #remove(
    one: { readonly file: string; readonly line: number; readonly span?: Span },
    what: string,
    why: string,
  ) {
    if (!one.span) return;
    this.#edit(one.file, without(this.#text(one.file), one.span));
    this.changes.push({ file: one.file, line: one.line, change: 'takes away', what, why });
  }

  /** An attribute is left when it is what is told already, under a name of the template's own. */
  #tell(name: string, told: PackleaderVariable, why: string): void {
    this.#set(name, this.#told(told), why);
  }

  /** To the first of some expressions, unless it is one of the others. */
  #set(name: string, [own, ...others]: readonly [string, ...string[]], why: string): void {
    const { template, usage } = this.#rewriting;
    const found = this.#attribute(name);
    if (!found) {
      this.#added.push(`${name} = ${own}`);
      this.#changed('adds', name, why, usage.source);
      return;
    }
    if (others.includes(resolved(found, template.locals))) return;
    this.#replace(found, own, why);
  }

  #tag(name: (typeof TAGGED)[number]): void {
    const why = 'whatever a bake leaves is found by the tags of its release';
    const found = this.#attribute(name);
    if (found?.value) {
      const { start, end } = found.value;
      this.#edit(found.file, { start, end: start, text: 'merge(' });
      this.#edit(found.file, { start: end, end, text: `, ${TAGS})` });
      this.#changed('replaces', `${name} = ${firstLine(found.text)}`, why, found);
    } else {
      this.#added.push(`${name} = ${TAGS}`);
      this.#changed('adds', name, why, this.#rewriting.usage.source);
    }
    const label = name.replace(/s$/, '');
    for (const block of this.#places.flatMap(({ blocks }) => blocks)) {
      if (block.type !== label || !OWN_TAG.test(block.attributes.get('key')?.text ?? '')) continue;
      this.#remove(block, `${label} ${block.attributes.get('key')?.text}`, 'packleader sets that tag itself');
    }
  }

  /** Only for a template that has a variable for it. */
  #spot(): void {
    const [, mapped] = this.#told(SPOT);
    if (mapped === undefined) return;
    const why = 'the builder may be a Spot Instance, and what a bake leaves of it is found by these tags';
    for (const [name, value] of [
      ['spot_price', '"auto"'],
      ['spot_tags', TAGS],
      ['fleet_tags', TAGS],
    ] as const) {
      const expression = `${mapped} ? ${value} : null`;
      this.#set(name, [expression, expression], why);
    }
  }

  #network(): void {
    this.#tell('vpc_id', 'vpc_id', OF_ONE_ACCOUNT);
    this.#tell('subnet_id', 'subnet_id', OF_ONE_ACCOUNT);
    this.#tell(
      'instance_type',
      'instance_type',
      'the bake takes another one where EC2 has no room: `instanceType` and `instanceTypes` in the layers say which',
    );
    this.#tell('security_group_ids', 'security_group_ids', OF_ONE_ACCOUNT);
    this.#tell(
      'iam_instance_profile',
      'instance_profile',
      'a bake may use those whose names begin with packleader-builder: `instanceProfile` in the layers says which',
    );
  }

  /** While the builder runs already: an AMI that is encrypted afterwards was not, for a while. */
  #encrypt(): void {
    const { usage, rootDeviceName, packer } = this.#rewriting;
    const why = 'every volume, and so every snapshot, is encrypted with the key of its target';
    const [key, ...others] = this.#told('kms_key_id');
    const volumes = this.#places.flatMap(({ blocks }) => volumesIn(blocks));
    for (const volume of volumes) {
      const added: string[] = [];
      const set = (name: string, expression: string, known: readonly string[]): void => {
        const found = volume.attributes.get(name);
        if (!found) {
          added.push(`${name} = ${expression}`);
          this.#changed('adds', `${name} to launch_block_device_mappings`, why, volume);
        } else if (!known.includes(resolved(found, this.#rewriting.template.locals)))
          this.#replace(found, expression, why);
      };
      set('encrypted', 'true', ['true']);
      set('kms_key_id', key, others);
      this.#addTo(volume, added);
    }
    const stated = volumes.map((volume) => volume.attributes.get('device_name')?.text);
    const isMissing =
      volumes.length === 0 ||
      (packer.rootDeviceName !== undefined &&
        stated.every((name) => name?.startsWith('"/dev/') === true) &&
        !stated.includes(`"${rootDeviceName}"`));
    if (!isMissing) return;
    this.#added.push(
      'launch_block_device_mappings {',
      `  device_name           = "${rootDeviceName}"`,
      '  volume_type           = "gp3"',
      `  volume_size           = var.${TOLD}.root_volume_size_gib`,
      '  encrypted             = true',
      `  kms_key_id            = ${key}`,
      '  delete_on_termination = true',
      '}',
    );
    this.#changed('adds', `launch_block_device_mappings of ${rootDeviceName}`, why, usage.source);
  }

  #takeAway(): void {
    for (const place of this.#places) {
      for (const attribute of place.attributes.values()) {
        const why = takenFor(attribute.name);
        if (why !== undefined && !IDLE.includes(attribute.text)) this.#remove(attribute, attribute.name, why);
      }
      for (const block of place.blocks) {
        const why = takenFor(block.type);
        if (why !== undefined) this.#remove(block, block.type, why);
      }
    }
  }

  #manifest(): void {
    const { build } = this.#rewriting.usage;
    const all = [...build.blocks, ...build.blocks.flatMap(({ blocks }) => blocks)];
    if (all.some(isManifestRead)) return;
    this.#addTo(build, MANIFEST);
    this.#changed(
      'adds',
      'post-processor "manifest"',
      'the id of the AMI is read from what it writes',
      build,
    );
  }

  /** A data source that looked up the source AMI finds the pinned one; where nothing else asks it, it is gone. */
  #pin(data: Block): void {
    const name = `data "${data.labels.join('" "')}"`;
    const why = 'the source AMI is resolved once, for every account';
    const reference = `data.${data.labels.join('.')}`;
    const replacedHere = this.#attribute('source_ami');
    const isUsed = everyAttribute(this.#rewriting.template.blocks.filter((block) => block !== data)).some(
      (one) => one !== replacedHere && one.references.includes(reference),
    );
    if (!isUsed) return this.#remove(data, name, why);
    const added: string[] = [];
    const set = (attribute: string, expression: (text: string) => string): void => {
      const found = data.attributes.get(attribute);
      if (found?.value) this.#edit(found.file, { ...found.value, text: expression(found.text) });
      else added.push(`${attribute} = ${expression('[]')}`);
    };
    set('filters', () => `{ "image-id" = var.${SOURCE_AMI} }`);
    set('owners', (owners) => `concat(${owners}, ["self"])`);
    set('region', () => `var.${TOLD}.region`);
    for (const attribute of data.attributes.values())
      if (CREDENTIALS.includes(attribute.name))
        this.#remove(attribute, `${attribute.name} of ${name}`, OWN_ROLE);
    for (const block of data.blocks)
      if (CREDENTIALS.includes(block.type)) this.#remove(block, `${block.type} of ${name}`, OWN_ROLE);
    this.#addTo(data, added);
    this.#changed('replaces', name, `${why}: it finds that one`, data);
  }
}

const takenFor = (name: string): string | undefined =>
  REFUSED.includes(name) ? undefined : (TAKEN[name] ?? FORBIDDEN[name]);

/** As `packer fmt` writes attributes that follow each other. */
function aligned(lines: readonly string[]): string[] {
  const single = /^(\w+) = (.*)$/;
  const width = Math.max(0, ...lines.map((line) => (single.exec(line)?.[1] ?? '').length));
  return lines.map((line) =>
    line.replace(single, (_, name: string, value: string) => `${name.padEnd(width)} = ${value}`),
  );
}

const firstLine = (text: string): string => (text.includes('\n') ? `${text.split('\n')[0]} …` : text);

/** The data sources that a source AMI comes from, directly or through locals: `amazon-ami.ubuntu`. */
const lookUps = (sourceAmi: Attribute | undefined, { locals }: Template): Set<string> =>
  new Set(
    (sourceAmi ? [...reach(sourceAmi, locals)] : []).flatMap(
      (one) => /^data\.(amazon-ami\.[\w-]+)$/.exec(one)?.[1] ?? [],
    ),
  );

/** Every attribute, in blocks of blocks too. */
export const everyAttribute = (blocks: readonly Block[]): Attribute[] =>
  blocks.flatMap(({ attributes, blocks: inner }) => [...attributes.values(), ...everyAttribute(inner)]);
