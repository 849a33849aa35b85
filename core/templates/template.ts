/** An image's template of Packer, as far as packleader has to understand it. */
import { type Problem, problem } from '../configuration/documents/problems.ts';
import { type Attribute, type Block, type HclFile, openHcl } from './hcl.ts';

/** An input variable. */
export interface Declaration {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly default?: Attribute;
  readonly sensitive: boolean;
}

/** A source as one build uses it: one bake is one of them. */
export interface Usage {
  /** As Packer names the build, and as `-only` wants it: `amazon-ebs.web`, behind the name of the build where it has one. */
  readonly name: string;
  readonly build: Block;
  readonly source: Block;
  /** What the build adds to the source. */
  readonly added?: Block;
}

/** A source with what the builds that use it add to it. */
export interface Source {
  /** `amazon-ebs.web` */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** The builds' own come last, and win. */
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly blocks: readonly Block[];
}

export interface Template {
  readonly files: readonly string[];
  readonly variables: readonly Declaration[];
  readonly locals: ReadonlyMap<string, Attribute>;
  /** Those that a build uses. */
  readonly sources: readonly Source[];
  readonly builds: readonly Block[];
  readonly usages: readonly Usage[];
  /** Every block there is. */
  readonly blocks: readonly Block[];
  /** Sources that a build names, and the template does not have. */
  readonly unknownSources: readonly { readonly name: string; readonly build: Block }[];
  /** Where a file is no HCL, or no JSON. */
  readonly problems: readonly Problem[];
}

/** Files by their name; a template's lie directly in the directory that Packer is run in. */
export type TemplateFiles = ReadonlyMap<string, string>;

/** Whether Packer takes a file of the directory that it is run in for a part of the template. */
export const isTemplateFile = (name: string): boolean => /^[^/]+\.pkr\.(hcl|json)$/.test(name);

/**
 * Reads a template. What cannot be read declares nothing: whether the template is right is for Packer to say.
 *  @param files those that Packer takes for the template: `*.pkr.hcl` and `*.pkr.json`
 *  @see https://developer.hashicorp.com/packer/docs/templates/hcl_templates
 */
export async function readTemplate(files: TemplateFiles): Promise<Template> {
  const readHcl = await openHcl();
  const parsed = [...files].map(([name, text]): HclFile =>
    name.endsWith('.json') ? readJson(name, text) : readHcl(name, text),
  );
  const blocks = parsed.flatMap((file) => file.blocks);
  const of = (type: string) => blocks.filter((block) => block.type === type);
  const builds = of('build');
  return {
    files: [...files.keys()],
    variables: [...of('variable').map(declared), ...of('variables').flatMap(declaredTogether)],
    locals: new Map([
      ...of('locals').flatMap((block) => [...block.attributes]),
      ...of('local').flatMap(single),
    ]),
    ...sourcesOf(of('source'), builds),
    builds,
    blocks,
    problems: parsed.flatMap((file) => file.problems),
  };
}

function declared({ labels, file, line, attributes }: Block): Declaration {
  const byDefault = attributes.get('default');
  return {
    name: labels[0] ?? '',
    file,
    line,
    ...(byDefault && { default: byDefault }),
    sensitive: attributes.get('sensitive')?.text === 'true',
  };
}

function declaredTogether({ attributes }: Block): Declaration[] {
  return [...attributes.values()].map((byDefault) => ({
    name: byDefault.name,
    file: byDefault.file,
    line: byDefault.line,
    default: byDefault,
    sensitive: false,
  }));
}

/** `local "secret" { expression = … }` */
function single({ labels, attributes }: Block): [string, Attribute][] {
  const expression = attributes.get('expression');
  return expression && labels[0] !== undefined ? [[labels[0], expression]] : [];
}

function sourcesOf(
  sources: readonly Block[],
  builds: readonly Block[],
): Pick<Template, 'sources' | 'usages' | 'unknownSources'> {
  const known = new Map(sources.map((block) => [block.labels.join('.'), block]));
  const used = new Map<string, Source>();
  const usages: Usage[] = [];
  const unknownSources: { name: string; build: Block }[] = [];
  const use = (build: Block, name: string, added?: Block) => {
    const block = known.get(name);
    if (!block) {
      unknownSources.push({ name, build });
      return;
    }
    usages.push({ name: nameOf(build, block, added), build, source: block, ...(added && { added }) });
    used.set(name, withAdded(name, used.get(name) ?? block, added));
  };
  for (const build of builds) {
    const listed = build.attributes.get('sources')?.text ?? '';
    for (const [, name = ''] of listed.matchAll(/\bsource\.([\w-]+\.[\w-]+)/g)) use(build, name);
    for (const block of build.blocks)
      if (block.type === 'source') use(build, (block.labels[0] ?? '').replace(/^source\./, ''), block);
  }
  return { sources: [...used.values()], usages, unknownSources };
}

function withAdded(name: string, to: Source | Block, added: Block | undefined): Source {
  return {
    name,
    file: to.file,
    line: to.line,
    attributes: new Map([...to.attributes, ...(added?.attributes ?? [])]),
    blocks: [...to.blocks, ...(added?.blocks ?? [])],
  };
}

/** A build may give the source that it uses another name. */
function nameOf(build: Block, { labels }: Block, added: Block | undefined): string {
  const [type = '', own = ''] = labels;
  const name = quoted(added?.attributes.get('name')) ?? own;
  const of = quoted(build.attributes.get('name'));
  return of === undefined ? `${type}.${name}` : `${of}.${type}.${name}`;
}

const quoted = (attribute: Attribute | undefined): string | undefined =>
  /^"([^"$\\]+)"$/.exec(attribute?.text ?? '')?.[1];

/** The template as it is when only one of its sources is built. */
export const onlyUsage = (template: Template, { build, source, added }: Usage): Template => ({
  ...template,
  builds: [build],
  sources: [withAdded(source.labels.join('.'), source, added)],
  unknownSources: [],
});

/** The same in the JSON syntax of HCL, where a block is an object, or a list of them, and an expression a string. */
function readJson(file: string, text: string): HclFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { blocks: [], attributes: new Map(), problems: [problem(file, 0, [], `is no JSON: ${why}`)] };
  }
  if (!isObject(parsed))
    return { blocks: [], attributes: new Map(), problems: [problem(file, 0, [], 'must be a JSON object')] };
  const lineOf = (name: string) => {
    const at = text.indexOf(JSON.stringify(name));
    return at < 0 ? 0 : text.slice(0, at).split('\n').length;
  };
  const blocks = Object.entries(parsed).flatMap(([type, body]) =>
    jsonBlocks(type, [], body, LABELS[type] ?? 0, { file, lineOf }),
  );
  return { blocks, attributes: new Map(), problems: [] };
}

/** How many labels a block of a type has; each is one more level of objects. */
const LABELS: Readonly<Record<string, number>> = { variable: 1, local: 1, source: 2, data: 2 };

/** Blocks inside others; every other field is an attribute. */
const INNER: Readonly<Record<string, number>> = {
  source: 1,
  provisioner: 1,
  'post-processor': 1,
  'post-processors': 0,
  launch_block_device_mappings: 0,
  ami_root_device: 0,
  ami_block_device_mappings: 0,
  deregistration_protection: 0,
  source_ami_filter: 0,
};

interface JsonFile {
  readonly file: string;
  readonly lineOf: (name: string) => number;
}

function jsonBlocks(
  type: string,
  labels: readonly string[],
  body: unknown,
  levels: number,
  of: JsonFile,
): Block[] {
  if (Array.isArray(body)) return body.flatMap((one) => jsonBlocks(type, labels, one, levels, of));
  if (!isObject(body)) return [];
  if (levels > 0)
    return Object.entries(body).flatMap(([label, inner]) =>
      jsonBlocks(type, [...labels, label], inner, levels - 1, of),
    );
  const { file, lineOf } = of;
  const fields = Object.entries(body);
  const isBlock = (name: string) => Object.hasOwn(INNER, name);
  return [
    {
      type,
      labels,
      file,
      line: lineOf(labels.at(-1) ?? type),
      attributes: new Map(
        fields
          .filter(([name]) => !isBlock(name))
          .map(([name, value]) => [name, jsonAttribute(name, value, file, lineOf(name))]),
      ),
      blocks: fields
        .filter(([name]) => isBlock(name))
        .flatMap(([name, value]) => jsonBlocks(name, [], value, INNER[name] ?? 0, of)),
    },
  ];
}

function jsonAttribute(name: string, value: unknown, file: string, line: number): Attribute {
  const text = JSON.stringify(value) ?? '';
  const whole = typeof value === 'string' ? /^\$\{([^{}]*)\}$/.exec(value)?.[1] : undefined;
  const references = [...text.matchAll(/\$\{[^}]*\}/g)].flatMap(([inside]) => [
    ...inside.matchAll(/\b(var|local|data|source|build)\.[\w-]+/g),
  ]);
  return { name, file, line, text: whole ?? text, references: references.map(([reference]) => reference) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
