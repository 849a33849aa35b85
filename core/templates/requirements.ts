/**
 * What the transaction needs of any template: that it makes one AMI, of the name, from the source and in the region that it is told,
 * encrypted, tagged from the first moment on, seen by nobody else, and that it says which one it made. Packer itself knows none of
 * this, so a template that lacks it validates, bakes, and is found out only by `Check <stage> AMIs`, or by nobody.
 */
import { type Problem, problem, shown } from '../configuration/documents/problems.ts';
import { SPOT, type ToldVariable } from '../configuration/settings.ts';
import type { Attribute, Block } from './hcl.ts';
import type { Source, Template } from './template.ts';

/** Builders whose attributes these are. */
export const BUILDERS: readonly string[] = ['amazon-ebs', 'amazon-ebssurrogate'];

/** By attribute: what it is for that it must be what is told, or `"v2.0"`. */
const TOLD = {
  ami_name: 'a rollback finds an AMI by it',
  region: 'the AMI must be in its target',
  source_ami: 'every account starts from the source AMI that the release has pinned',
  imds_support: 'instances of the AMI must not serve credentials to whoever asks without a token',
} as const;

/** By what a template is told: the expressions that are it. */
export type ToldAs = (told: ToldVariable) => readonly [string, ...string[]];

/** A template that is written for packleader has variables of these names. */
const BY_NAME: ToldAs = (told) => [`var.${told}`];

/** Tags that each kind of resource must have from its first moment: whatever a dead bake leaves is found by them. */
const TAGGED = {
  tags: 'the AMI',
  snapshot_tags: 'its snapshots',
  run_tags: 'the builder and all that belongs to it',
  run_volume_tags: "the builder's volumes",
} as const;

const sharedWith = (whom: string) =>
  `Packer shares before it tags, and before any account has checked its AMI: ${whom} would see one that is never released`;

const FORCED = 'it removes an AMI of the same name, which is another release';

const CREDENTIAL =
  'a bake has the credentials of its role, and everybody who reads the repository reads the template';

/** By attribute or block: why no template may have it. */
export const FORBIDDEN: Readonly<Record<string, string>> = {
  access_key: CREDENTIAL,
  secret_key: CREDENTIAL,
  token: CREDENTIAL,
  profile: 'a bake has the credentials of its role',
  ami_groups: sharedWith('groups'),
  ami_org_arns: sharedWith('organisations'),
  ami_ou_arns: sharedWith('organisational units'),
  ami_product_codes: 'a product code cannot be taken back',
  ami_regions:
    'copies in other regions are not part of the release, and no rollback would find them: make the region a target',
  ami_users: sharedWith('accounts'),
  deregistration_protection: 'a protected AMI cannot be rolled back',
  encrypt_boot:
    'it makes an AMI under another name first, which a bake that dies leaves behind: set encrypted and kms_key_id in launch_block_device_mappings',
  force_delete_snapshot: FORCED,
  force_deregister: FORCED,
  region_kms_key_ids: 'it is for copies in other regions, which are not part of the release',
  skip_create_ami: 'the release is the AMI',
  skip_save_build_region: 'the AMI must be in its target',
  snapshot_groups: sharedWith('groups'),
  snapshot_users: sharedWith('accounts'),
  source_ami_filter:
    'the source AMI is resolved once for all accounts: take source_ami = var.source_ami, and write the filter in `source` of a layer',
};

/** What an attribute may be without meaning anything. */
export const IDLE: readonly string[] = ['false', '[]', '{}', 'null', '""'];

/** Everything that a template lacks or must not have, each with its file and line. */
export function requirementProblems(template: Template, toldAs: ToldAs = BY_NAME): Problem[] {
  const { sources, builds, files } = template;
  const [first = ''] = files;
  if (builds.length === 0)
    return [problem(first, 0, ['build'], 'found no build, must have one: it is what makes the AMI')];
  const [build, another] = builds;
  const [source] = sources;
  const [unknown] = template.unknownSources;
  if (unknown)
    return [
      problem(
        unknown.build.file,
        unknown.build.line,
        ['build'],
        `found the source ${unknown.name}, must be one that this template has${sources.length > 0 ? `: ${sources.map(({ name }) => name).join(', ')}` : ''}`,
      ),
    ];
  if (another)
    return [
      problem(
        another.file,
        another.line,
        ['build'],
        'found a second build, must be one: a bake makes one AMI, and of a name there can be one',
      ),
    ];
  if (!source || !build)
    return [
      problem(
        build?.file ?? first,
        build?.line ?? 0,
        ['build'],
        'found no source that this template has, must have one in `sources`',
      ),
    ];
  if (sources.length > 1) {
    const names = sources.map(({ name }) => name).join(', ');
    return [
      problem(
        build.file,
        build.line,
        ['build'],
        `found the sources ${names}, must be one: a bake makes one AMI`,
      ),
    ];
  }
  const [builder = ''] = source.name.split('.');
  if (!BUILDERS.includes(builder))
    return [
      problem(
        source.file,
        source.line,
        ['source', source.name],
        `found the builder ${builder}, must be ${BUILDERS.join(' or ')}`,
      ),
    ];
  return [
    ...toldProblems(source, template, toldAs),
    ...tagProblems(source, template, toldAs),
    ...encryptionProblems(source, template, toldAs),
    ...forbiddenProblems(source),
    ...manifestProblems(builds),
  ];
}

function toldProblems(source: Source, { locals }: Template, toldAs: ToldAs): Problem[] {
  return (['ami_name', 'region', 'source_ami', 'imds_support'] as const).flatMap((name) => {
    const why = TOLD[name];
    const all = name === 'imds_support' ? (['"v2.0"'] as const) : toldAs(name);
    const [wanted] = all;
    // A filter is answered by itself.
    if (name === 'source_ami' && hasBlock(source, 'source_ami_filter')) return [];
    const found = source.attributes.get(name);
    if (!found) return [missing(source, name, wanted, why)];
    if (all.includes(resolved(found, locals))) return [];
    return [at(found, source, `found ${shown(found.text)}, must be ${wanted}: ${why}`)];
  });
}

function tagProblems(source: Source, { locals }: Template, toldAs: ToldAs): Problem[] {
  const [tags] = toldAs('tags');
  return Object.entries(TAGGED).flatMap(([name, what]) => {
    const why = `a bake that dies leaves ${what}, and only these tags tell whose they are`;
    const found = source.attributes.get(name);
    const dynamic = dynamicTags(source, name.replace(/s$/, ''));
    if (!found && !dynamic) return [missing(source, name, `merge(${tags}, …) or ${tags}`, why)];
    const reached = [found, dynamic].some((one) => one && reach(one, locals).has(tags));
    if (reached) return [];
    const one = found ?? dynamic;
    return one
      ? [
          at(
            one,
            source,
            `found no ${tags} in ${shown(one.text)}, must be ${tags} or merge(${tags}, …): ${why}`,
          ),
        ]
      : [];
  });
}

/** `dynamic "run_tag" { for_each = var.tags … }` */
function dynamicTags({ blocks }: Source, label: string): Attribute | undefined {
  return blocks
    .find((block) => block.type === 'dynamic' && block.labels[0] === label)
    ?.attributes.get('for_each');
}

/** Encrypted while the builder runs already: an AMI that is encrypted afterwards was not, for a while. */
function encryptionProblems(source: Source, { locals }: Template, toldAs: ToldAs): Problem[] {
  const [wanted] = toldAs('kms_key_id');
  const volumes = volumesIn(source.blocks);
  const why = 'every volume, and so every snapshot, is encrypted with the key of its target';
  if (volumes.length === 0)
    return [
      problem(
        source.file,
        source.line,
        ['source', source.name],
        `found no launch_block_device_mappings, must have one with encrypted = true and kms_key_id = ${wanted}: ${why}`,
      ),
    ];
  return volumes.flatMap((volume) => {
    const encrypted = volume.attributes.get('encrypted');
    const key = volume.attributes.get('kms_key_id');
    const place = ['source', source.name, 'launch_block_device_mappings'];
    return [
      ...(encrypted && resolved(encrypted, locals) === 'true'
        ? []
        : [
            problem(
              volume.file,
              encrypted?.line ?? volume.line,
              place,
              `${encrypted ? `found encrypted = ${shown(encrypted.text)}` : 'found no encrypted'}, must be encrypted = true: ${why}`,
            ),
          ]),
      ...(key && toldAs('kms_key_id').some((one) => reach(key, locals).has(one))
        ? []
        : [
            problem(
              volume.file,
              key?.line ?? volume.line,
              place,
              `${key ? `found kms_key_id = ${shown(key.text)}` : 'found no kms_key_id'}, must be kms_key_id = ${wanted}: ${why}`,
            ),
          ]),
    ];
  });
}

/** The volumes of a source, also those of a dynamic block. */
export const volumesIn = (blocks: readonly Block[]): Block[] =>
  blocks.flatMap((block) => {
    if (block.type === 'launch_block_device_mappings') return [block];
    return block.type === 'dynamic' && block.labels[0] === 'launch_block_device_mappings'
      ? block.blocks.filter(({ type }) => type === 'content')
      : [];
  });

/** What a template must have that is told to bake on a Spot Instance: else it is on demand, or leaves what nobody finds. */
export function spotProblems({ sources: [source], locals }: Template, toldAs: ToldAs = BY_NAME): Problem[] {
  if (!source) return [];
  const spot = toldAs(SPOT).at(-1);
  const tags = toldAs('tags');
  const asks = [
    [
      'spot_price',
      toldAs(SPOT),
      `${spot} ? "auto" : null`,
      'the layers say that its builder is a Spot Instance',
    ],
    [
      'spot_tags',
      tags,
      `${spot} ? ${tags[0]} : null`,
      'they mark the launch template, which a bake that dies leaves',
    ],
    ['fleet_tags', tags, `${spot} ? ${tags[0]} : null`, 'a bake may make no fleet without them'],
  ] as const;
  return asks.flatMap(([name, told, wanted, why]) => {
    const found = source.attributes.get(name);
    if (!found) return [missing(source, name, wanted, why)];
    const reached = reach(found, locals);
    return told.some((one) => reached.has(one))
      ? []
      : [at(found, source, `found ${shown(found.text)}, must be ${wanted}: ${why}`)];
  });
}

/** What a template must have whose builder is kept when a bake fails: else nobody tells the builder when to end, and none is kept. */
export function keepProblems({ builds: [build] }: Template): Problem[] {
  if (!build || build.blocks.some(({ type }) => type === 'error-cleanup-provisioner')) return [];
  return [
    problem(
      build.file,
      build.line,
      ['build'],
      'found no error-cleanup-provisioner, must have one that tells the builder when to end: the layers say that it is kept when a bake fails',
    ),
  ];
}

function forbiddenProblems(source: Source): Problem[] {
  const attributes = [...source.attributes.values()].filter(({ text }) => !IDLE.includes(text));
  const found = [
    ...attributes.map(({ name, file, line }) => ({ name, file, line })),
    ...source.blocks.map(({ type, file, line }) => ({ name: type, file, line })),
  ];
  return found.flatMap(({ name, file, line }) => {
    const why = FORBIDDEN[name];
    return why === undefined
      ? []
      : [problem(file, line, ['source', source.name, name], `must not be there: ${why}`)];
  });
}

/** Post-processors stand in the build, or in sequences of it. */
function manifestProblems(builds: readonly Block[]): Problem[] {
  const [build] = builds;
  const all = builds.flatMap(({ blocks }) => [...blocks, ...blocks.flatMap((block) => block.blocks)]);
  const manifests = all.filter(({ type, labels }) => type === 'post-processor' && labels[0] === 'manifest');
  if (manifests.some(isManifestRead)) return [];
  const output = manifests[0]?.attributes.get('output');
  if (output)
    return [
      problem(
        output.file,
        output.line,
        ['build', 'manifest', 'output'],
        `found ${output.text}, must be "packer-manifest.json", which is where the id of the AMI is read`,
      ),
    ];
  return [
    problem(
      build?.file ?? '',
      build?.line ?? 0,
      ['build'],
      'found no post-processor "manifest", must have one: the id of the AMI is read from what it writes, never from the log',
    ),
  ];
}

/** Where it is by default. */
const WHERE_IT_IS_READ = /^"(\$\{path\.(root|cwd)\}\/|\.\/)?packer-manifest\.json"$/;

/** Whether a block is a post-processor that writes where the bake reads. */
export const isManifestRead = ({ type, labels, attributes }: Block): boolean =>
  type === 'post-processor' &&
  labels[0] === 'manifest' &&
  WHERE_IT_IS_READ.test(attributes.get('output')?.text ?? '"packer-manifest.json"');

const hasBlock = ({ blocks }: Source, type: string): boolean => blocks.some((block) => block.type === type);

const missing = (source: Source, name: string, wanted: string, why: string): Problem =>
  problem(
    source.file,
    source.line,
    ['source', source.name],
    `found no ${name}, must be ${name} = ${wanted}: ${why}`,
  );

const at = (found: Attribute, source: Source, message: string): Problem =>
  problem(found.file, found.line, ['source', source.name, found.name], message);

/** An expression with the local that it may be, and without the quotes of `"${var.region}"`. */
export function resolved(
  { text }: Attribute,
  locals: Template['locals'],
  seen: readonly string[] = [],
): string {
  const plain = /^"\$\{\s*([\w.-]+)\s*\}"$/.exec(text)?.[1] ?? text.trim();
  const [, name = ''] = /^local\.([\w-]+)$/.exec(plain) ?? [];
  const local = locals.get(name);
  return local && !seen.includes(name) ? resolved(local, locals, [...seen, name]) : plain;
}

/** Everything that an expression refers to, directly or through locals. */
export function reach(attribute: Attribute, locals: Template['locals']): Set<string> {
  const reached = new Set(attribute.references);
  for (const reference of reached) {
    const local = reference.startsWith('local.') ? locals.get(reference.slice('local.'.length)) : undefined;
    for (const further of local?.references ?? []) reached.add(further);
  }
  return reached;
}
