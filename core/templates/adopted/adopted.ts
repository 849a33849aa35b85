/** The template of an image that takes a directory of Packer's, as it is baked: a pure function of the files, wherever they lie. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { nearest, type Problem, problem, shown } from '../../configuration/documents/problems.ts';
import type { Image } from '../../configuration/factory.ts';
import type { Files } from '../../configuration/files.ts';
import {
  nameInRepository,
  type PackerDirectory,
  placeInSource,
} from '../../configuration/packer-directory.ts';
import { type Attribute, type Block, openHcl } from '../hcl.ts';
import { BUILDERS, type ToldAs } from '../requirements.ts';
import { isTemplateFile, onlyUsage, readTemplate, type Template, type Usage } from '../template.ts';
import { applied, atEndOf, type Edit } from './edits.ts';
import { ALONE, OWN_FILE, ownFile, TOLD } from './own-file.ts';
import { type Change, everyAttribute, rewritten, toldBy } from './rewrite.ts';

export type AdoptingImage = Pick<Image, 'name' | 'platform'> & { readonly packer: PackerDirectory };

/** What the bake lays over the source, and how it calls Packer: `<account>-<region>.overlay.json` of a plan. */
export interface Overlay {
  /** In the source. */
  readonly directory: string;
  /** For `packer build` and `packer validate`; `{source_ami}`, `{subnet_id}`, `{instance_type}` and `{spot}` stand for what only the bake knows. */
  readonly arguments: readonly string[];
  /** By their names in the directory. */
  readonly files: Readonly<Record<string, string>>;
}

/** A file before and after; there is no before of what packleader adds. */
export interface RewrittenFile {
  readonly file: string;
  readonly before: string;
  readonly after: string;
}

export interface Adopted {
  readonly overlay: Overlay;
  /** Of the overlay as a plan holds it. */
  readonly sha256: string;
  readonly changes: readonly Change[];
  readonly files: readonly RewrittenFile[];
  /** As Packer names the build. */
  readonly build: string;
  readonly toldAs: ToldAs;
  /** Where a line of the copy comes from. */
  readonly placeOf: (name: string, line: number) => { readonly file: string; readonly line: number };
}

export interface AdoptedTemplate {
  /** By its name in the directory, the file of the source that it is. */
  readonly directory: ReadonlyMap<string, string>;
  readonly template: Template;
  readonly adopted?: Adopted;
  readonly problems: readonly Problem[];
}

/** What only the bake knows: of the others than the first it may try several. */
const BY_ARGUMENT = ['source_ami', 'subnet_id', 'instance_type', 'spot', 'keep_minutes'] as const;

/** Whether the bake fills in an argument, so that one alone says nothing. */
export const isFilledIn = (argument: string): boolean =>
  BY_ARGUMENT.some((one) => argument.endsWith(`={${one}}`));

/** Where Amazon's, and nearly everybody's, images have their root. */
const ROOT_DEVICE = { linux: '/dev/xvda', windows: '/dev/sda1' } as const;

/** Reads the directory that an image takes, and rewrites what the transaction needs otherwise. */
export async function adoptedTemplate(files: Files, image: AdoptingImage): Promise<AdoptedTemplate> {
  const { packer } = image;
  const place = placeInSource(image.name, packer.directory) ?? '';
  const directory = new Map(
    [...files.keys()]
      .filter((file) => file.startsWith(`${place}/`))
      .map((file) => [file.slice(place.length + 1), file]),
  );
  const texts = new Map(
    [...directory.keys()]
      .filter(isTemplateFile)
      .toSorted()
      .map((name) => [
        nameInRepository(`${place}/${name}`),
        new TextDecoder().decode(files.get(`${place}/${name}`)),
      ]),
  );
  const template = await readTemplate(texts);
  const refuse = (problems: readonly Problem[]): AdoptedTemplate => ({ directory, template, problems });
  const ofImage = (field: string, message: string) =>
    problem(`images/${image.name}/image.yaml`, 0, ['packer', field], message);
  if (texts.size === 0)
    return refuse([ofImage('directory', notThere(place, packer.directory, directory.size > 0))]);
  const own = [...files.keys()].filter(
    (file) => posix.dirname(file) === `images/${image.name}` && isTemplateFile(posix.basename(file)),
  );
  const idleFiles = own.map((file) =>
    problem(file, 0, [], `would never be read: images/${image.name}/image.yaml takes ${packer.directory}`),
  );
  if (template.problems.length + own.length > 0) return refuse([...idleFiles, ...template.problems]);
  const usage = chosen(template, packer, ofImage);
  if ('problem' in usage) return refuse([usage.problem]);
  const taken = takenNames(template, texts, place);
  const stated = await statedByFiles(files, place, [...directory.keys()], packer);
  const missing = stated.missing.map((name) =>
    ofImage('varFiles', `found ${shown(name)}, which ${nameInRepository(place)} does not have`),
  );
  if (taken.length + missing.length > 0) return refuse([...taken, ...missing]);

  const told = Object.keys(packer.variables);
  const { edits, changes } = rewritten({
    template,
    files: texts,
    usage,
    packer,
    rootDeviceName: packer.rootDeviceName ?? ROOT_DEVICE[image.platform],
  });
  const first = edited(texts, edits);
  const ours = ownFile(asksForAmazonPlugin(template));
  const ownName = nameInRepository(`${place}/${OWN_FILE}`);
  const once = await readTemplate(new Map([...textsOf(first), [ownName, ours]]));
  const idle = unneeded(template, once, [...told, ...stated.values.keys()]);
  const copies = edited(texts, withDefaults(edits, idle, texts));
  const result = await readTemplate(new Map([...textsOf(copies), [ownName, ours]]));
  const again = result.usages.find(({ name }) => name === usage.name);
  if (!again || result.problems.length > 0)
    throw new Error(`the rewrite of ${place} made ${result.problems[0]?.message ?? 'its build disappear'}`);
  const changed = [...texts].filter(([file, text]) => copies.get(file)?.text !== text);
  const overlay: Overlay = {
    directory: place,
    arguments: [
      `-only=${usage.name}`,
      ...packer.varFiles.map((file) => `-var-file=${file}`),
      ...BY_ARGUMENT.flatMap((one) =>
        [ALONE[one] ?? [], mappedTo(packer, one)].flat().map((name) => `-var=${name}={${one}}`),
      ),
    ],
    files: Object.fromEntries([
      ...changed.map(([file]) => [posix.basename(file), copies.get(file)?.text ?? ''] as const),
      [OWN_FILE, ours],
    ]),
  };
  return {
    directory,
    template: {
      ...onlyUsage(result, again),
      variables: result.variables.map((one) => {
        const found = stated.values.get(one.name);
        return found ? { ...one, default: found } : one;
      }),
    },
    problems: [],
    adopted: {
      overlay,
      sha256: createHash('sha256')
        .update(JSON.stringify(overlay, null, 2))
        .digest('hex'),
      changes: [
        ...changes,
        ...idle.map(({ labels: [name], file, line }) => ({
          file,
          line,
          change: 'adds' as const,
          what: `default = null to the variable ${name}`,
          why: 'nothing uses it any more',
        })),
        ...(asksForAmazonPlugin(template)
          ? []
          : [added(ownName, 'required_plugins', 'the template names no plugin, and Packer brings none')]),
      ],
      files: [
        ...changed.map(([file, before]) => ({ file, before, after: copies.get(file)?.text ?? '' })),
        { file: ownName, before: '', after: ours },
      ],
      build: usage.name,
      toldAs: toldBy(packer),
      placeOf: (name, line) => {
        const file = name.includes('/') ? name : nameInRepository(`${place}/${name}`);
        return { file, line: copies.get(file)?.lines[line - 1] ?? line };
      },
    },
  };
}

const added = (file: string, what: string, why: string): Change => ({
  file,
  line: 0,
  change: 'adds',
  what,
  why,
});

function notThere(place: string, directory: string, holdsFiles: boolean): string {
  if (place === '')
    return `found ${shown(directory)}, which leads out of the factory: write it from the root of the repository, like /my-packer/web`;
  if (holdsFiles) return `found ${shown(directory)}, which holds no *.pkr.hcl`;
  return `found ${shown(directory)}, must be a directory that the repository has: ${nameInRepository(place)} holds no file`;
}

/** The one build that is the image. */
function chosen(
  { usages, builds }: Template,
  { only, directory }: PackerDirectory,
  ofImage: (field: string, message: string) => Problem,
): Usage | { readonly problem: Problem } {
  const names = usages.map(({ name }) => name);
  const [wanted] = only ?? [];
  const refuse = (message: string) => ({ problem: ofImage('only', message) });
  const possible = usages.filter(({ source }) => BUILDERS.includes(source.labels[0] ?? ''));
  if (builds.length === 0) return refuse(`found no build in ${directory}: a bake needs one`);
  if (wanted !== undefined) {
    const found = usages.find(({ name }) => name === wanted);
    if (!found)
      return refuse(`found ${shown(wanted)}, must be a build of ${directory}, ${nearest(wanted, names)}`);
    if (possible.includes(found)) return writable(found);
    return refuse(`found ${shown(wanted)}, must be a build of ${BUILDERS.join(' or ')}: a bake makes an AMI`);
  }
  const [first, another] = possible;
  if (!first) {
    const has = names.length === 0 ? 'none that a source makes' : names.join(', ');
    return refuse(
      `found ${has} in ${directory}, must have a build of ${BUILDERS.join(' or ')}: a bake makes an AMI`,
    );
  }
  if (another)
    return refuse(
      `found nothing, must name one of ${possible.map(({ name }) => name).join(', ')}: a bake makes one AMI`,
    );
  return writable(first);
}

/** Only HCL is rewritten: Packer’s JSON has no place for a second opinion. */
function writable(usage: Usage): Usage | { readonly problem: Problem } {
  const json = [usage.source, usage.build].find(({ span }) => span === undefined);
  if (!json) return usage;
  const { file, line, type } = json;
  return {
    problem: problem(
      file,
      line,
      [type],
      'found JSON, must be HCL: packleader rewrites sources and builds in HCL only',
    ),
  };
}

function takenNames({ variables }: Template, texts: ReadonlyMap<string, string>, place: string): Problem[] {
  const file = nameInRepository(`${place}/${OWN_FILE}`);
  const names = variables.filter(({ name }) => [TOLD, ...Object.values(ALONE)].includes(name));
  return [
    ...(texts.has(file)
      ? [problem(file, 0, [], 'must have another name: packleader writes a file of this one into the copy')]
      : []),
    ...names.map(({ name, file: where, line }) =>
      problem(where, line, ['variable', name], 'must have another name: packleader declares one of this'),
    ),
  ];
}

/** The variables that files of variables set: those that Packer takes by itself, and those that it is given. */
async function statedByFiles(
  files: Files,
  place: string,
  names: readonly string[],
  { varFiles }: PackerDirectory,
): Promise<{ values: ReadonlyMap<string, Attribute>; missing: readonly string[] }> {
  const readHcl = await openHcl();
  const own = names.filter((name) => /^[^/]+\.auto\.pkrvars\.(hcl|json)$/.test(name));
  const given = [...own, ...varFiles].map((name) => ({ name, bytes: files.get(posix.join(place, name)) }));
  const read = given.flatMap(({ name, bytes }) => {
    if (!bytes) return [];
    const text = new TextDecoder().decode(bytes);
    return name.endsWith('.json') ? statedInJson(name, text) : [...readHcl(name, text).attributes];
  });
  return { values: new Map(read), missing: given.flatMap(({ name, bytes }) => (bytes ? [] : [name])) };
}

function statedInJson(file: string, json: string): (readonly [string, Attribute])[] {
  try {
    return Object.entries<unknown>(Object(JSON.parse(json))).map(([name, value]) => [
      name,
      { name, file, line: 0, text: JSON.stringify(value), references: [] },
    ]);
  } catch {
    // Packer says it better.
    return [];
  }
}

const mappedTo = ({ variables }: PackerDirectory, told: string): string[] =>
  Object.entries(variables).flatMap(([name, one]) => (one === told ? [name] : []));

const asksForAmazonPlugin = ({ blocks }: Template): boolean =>
  blocks
    .filter(({ type }) => type === 'packer')
    .flatMap((block) => block.blocks.filter(({ type }) => type === 'required_plugins'))
    .flatMap(({ attributes }) => [...attributes.values()])
    .some(({ text }) => /hashicorp\/amazon"/.test(text));

const edited = (texts: ReadonlyMap<string, string>, edits: ReadonlyMap<string, readonly Edit[]>) =>
  new Map([...texts].map(([file, text]) => [file, applied(text, edits.get(file) ?? [])]));

const textsOf = (copies: ReturnType<typeof edited>) =>
  [...copies].map(([file, { text }]) => [file, text] as const);

/** Variables that must be set, and that nothing of the copy looks at. */
function unneeded(before: Template, after: Template, told: readonly string[]): Block[] {
  const used = new Set(
    everyAttribute(after.blocks.filter(({ type }) => type !== 'variable')).flatMap(
      ({ references }) => references,
    ),
  );
  const idle = before.variables.filter(
    ({ name, default: byDefault }) =>
      byDefault === undefined && !told.includes(name) && !used.has(`var.${name}`),
  );
  return before.blocks.filter(
    ({ type, labels, inside }) =>
      type === 'variable' && inside !== undefined && idle.some(({ name }) => name === labels[0]),
  );
}

function withDefaults(
  edits: ReadonlyMap<string, readonly Edit[]>,
  idle: readonly Block[],
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly Edit[]> {
  const all = new Map(edits);
  for (const block of idle) {
    const put = atEndOf(texts.get(block.file) ?? '', block, ['default = null']);
    all.set(block.file, [...(all.get(block.file) ?? []), ...put]);
  }
  return all;
}
