/** `packleader adopt`: what becomes an image, and the files that say so. Nothing is written here. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, posix, relative, sep } from 'node:path';
import { parse, stringify } from 'yaml';
import { OUTSIDE } from '../../../buildspecs/outside.mjs';
import { checkFactory } from '../../../core/configuration/check.ts';
import { chosenImage, loadConfiguration } from '../../../core/configuration/configuration.ts';
import { sortedProblems, throwIfAny } from '../../../core/configuration/documents/problems.ts';
import { configurationFiles, type Files } from '../../../core/configuration/files.ts';
import { nameInRepository, type PackerDirectory } from '../../../core/configuration/packer-directory.ts';
import { filesInDirectory } from '../../../core/source/directory.ts';
import { gitRoot } from '../../../core/source/git.ts';
import type { Adopted } from '../../../core/templates/adopted/adopted.ts';
import { bakedTemplate } from '../../../core/templates/check.ts';
import { type Attribute, openHcl, openLiterals } from '../../../core/templates/hcl.ts';
import { BUILDERS } from '../../../core/templates/requirements.ts';
import { isTemplateFile, readTemplate, type Template, type Usage } from '../../../core/templates/template.ts';
import { refuseInvalidTemplates } from '../../checks/validate.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { asSeenFromStart, fromStart } from '../../input/start-directory.ts';
import { pathsOutside, propose, type Proposal } from './propose.ts';
import { isOldTemplate, upgraded } from './upgrade.ts';

export interface AdoptOptions {
  readonly directory: string;
  readonly factory: string;
  readonly as?: string;
  readonly only?: string;
  /** YAML of a layer's `source`. */
  readonly source?: string;
  readonly varFiles: readonly string[];
  /** `name=value`, the value in YAML. */
  readonly variables: readonly string[];
  /** Whether Packer, where there is one, judges the result. */
  readonly validate: boolean;
}

export interface Adoption {
  readonly image: string;
  /** The directory of the factory, on this machine. */
  readonly factory: string;
  /** What is to be written: by absolute path. */
  readonly files: ReadonlyMap<string, string>;
  readonly adopted: Adopted;
  readonly proposal: Proposal;
  readonly packer: Partial<PackerDirectory>;
  readonly notChecked: readonly string[];
}

/** @throws InvalidConfiguration when it cannot be adopted */
export async function adoption(options: AdoptOptions): Promise<Adoption> {
  const checkout = checkOutFactory(options.factory);
  const factory = fromStart(checkout.directory);
  const found = placeOf(options.directory, factory);
  const image = options.as ?? slug(found.name);
  if (existsSync(join(factory, 'images', image)))
    throw refuse('--as', `found ${image}, which is an image already: give this one another name`);

  const named = (field: Partial<PackerDirectory>) =>
    imageYaml(image, 'linux', { directory: found.written, ...field });
  const around = filesInDirectory(factory, ofImage(image, named({}), ''));
  const { files, made } = await inHcl(around, found);
  const template = await readTemplate(textsIn(files, found.place));
  throwIfAny(template.problems);
  const usage = theUsage(template, options.only, found);
  const varFiles = options.varFiles.length > 0 ? options.varFiles : theVarFile(files, found.place, template);
  const stated = await statedIn(files, found.place, varFiles);
  const proposal = propose(template, usage, await openLiterals(), stated);
  const outside = alongside(template, found, factory);
  const packer: Partial<PackerDirectory> = {
    directory: found.written,
    ...(template.usages.length > 1 && { only: [usage.name] }),
    ...(Object.keys(proposal.variables).length > 0 && { variables: proposal.variables }),
    ...(varFiles.length > 0 && { varFiles: [...varFiles] }),
    ...(outside.length > 0 && { alongside: outside }),
    ...(proposal.rootDeviceName !== undefined && { rootDeviceName: proposal.rootDeviceName }),
  };
  const texts = {
    image: imageYaml(image, proposal.platform, packer),
    layer: layerYaml(proposal, options),
  };
  const whole = filesInDirectory(factory, ofImage(image, texts.image, texts.layer));
  const encoder = new TextEncoder();
  const all = withMade(
    whole,
    made.map(({ file, text }) => [file, encoder.encode(text)] as const),
  );
  const settings = configurationFiles(all);
  throwIfAny(aboutTheImage(checkFactory(settings, { images: [image] }), image, found));
  const configuration = loadConfiguration(settings);
  const { adopted, problems } = await bakedTemplate(all, chosenImage(configuration.factory, image));
  throwIfAny(problems);
  if (!adopted) throw new Error('a template without problems has been adopted');
  const notChecked = await refuseInvalidTemplates(all, configuration, {
    images: [image],
    usePacker: options.validate,
  });
  const lacking = notChecked.find((one) => one.includes('plugins are required'));
  if (lacking !== undefined)
    throw refuse(
      asSeenFromStart(found.path),
      `cannot be judged here: ${lacking.replace(/^packer validate: /, '')}; or --no-validate leaves that to the release`,
    );
  return {
    image,
    factory,
    adopted,
    proposal,
    packer,
    notChecked,
    files: new Map([
      [join(factory, 'images', image, 'image.yaml'), texts.image],
      [join(factory, 'images', image, 'config', 'default.yaml'), texts.layer],
      ...made.map(({ name, text }) => [join(found.path, name), text] as const),
    ]),
  };
}

interface Place {
  readonly path: string;
  readonly repository: string | undefined;
  /** A file of the old JSON, where one was named. */
  readonly file: string | undefined;
  readonly name: string;
  /** As `image.yaml` writes it, and as the source has it. */
  readonly written: string;
  readonly place: string;
}

function placeOf(given: string, factory: string): Place {
  const at = fromStart(given);
  const stat = statSync(at, { throwIfNoEntry: false });
  if (!stat) throw refuse(given, 'is not there, must be a directory that holds *.pkr.hcl');
  const path = stat.isDirectory() ? at : dirname(at);
  const file = stat.isDirectory() ? undefined : basename(at);
  const repository = gitRoot(factory);
  const inFactory = relative(factory, path).split(sep).join('/');
  const name = file === undefined ? basename(path) : file.replace(/\..*$/, '');
  if (inFactory === '') throw refuse(given, 'is the factory’s own directory, must be one with a template');
  if (!inFactory.startsWith('..'))
    return { path, repository, file, name, written: `../../${inFactory}`, place: inFactory };
  const inRepository = repository === undefined ? '..' : relative(repository, path).split(sep).join('/');
  if (inRepository === '' || inRepository.startsWith('..'))
    throw refuse(
      given,
      repository === undefined
        ? 'lies outside of the factory, which is in no git repository: a bake has what the repository has'
        : `must be a directory in the repository ${repository}, and not the whole of it: a bake has what the repository has`,
    );
  return { path, repository, file, name, written: `/${inRepository}`, place: `${OUTSIDE}/${inRepository}` };
}

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '');

/** The files with what the old JSON becomes, where that is all there is. */
async function inHcl(files: Files, { place, path, file: named }: Place) {
  const names = [...files.keys()].flatMap((name) =>
    name.startsWith(`${place}/`) ? [name.slice(place.length + 1)] : [],
  );
  if (names.length === 0)
    throw refuse(asSeenFromStart(path), 'holds no file that git would keep, must hold *.pkr.hcl');
  if (named === undefined && names.some(isTemplateFile)) return { files, made: [] };
  const old = names.filter((name) => isOldTemplate(name, files.get(`${place}/${name}`)));
  const [one, ...more] = named === undefined ? old : old.filter((name) => name === named);
  if (one === undefined)
    throw refuse(
      asSeenFromStart(path),
      `holds neither *.pkr.hcl nor ${named ?? 'a template in JSON'} with builders`,
    );
  if (more.length > 0)
    throw refuse(asSeenFromStart(path), `holds ${[one, ...more].join(', ')}: name one of them`);
  if (named !== undefined && names.some(isTemplateFile))
    throw refuse(
      asSeenFromStart(path),
      `holds *.pkr.hcl besides ${named}: Packer would take both for one template`,
    );
  const { name, text } = await upgraded(files, `${place}/${one}`, asSeenFromStart(join(path, one)));
  const made = [{ file: `${place}/${name}`, name, text }];
  return { files: withMade(files, [[`${place}/${name}`, new TextEncoder().encode(text)]]), made };
}

const textsIn = (files: Files, place: string): Map<string, string> =>
  new Map(
    [...files.keys()]
      .filter((file) => file.startsWith(`${place}/`) && isTemplateFile(file.slice(place.length + 1)))
      .toSorted()
      .map((file) => [nameInRepository(file), new TextDecoder().decode(files.get(file))]),
  );

function theUsage({ usages }: Template, only: string | undefined, { path }: Place): Usage {
  const possible = usages.filter(({ source }) => BUILDERS.includes(source.labels[0] ?? ''));
  const names = possible.map(({ name }) => name).join(', ');
  const [first, another] = only === undefined ? possible : possible.filter(({ name }) => name === only);
  if (!first)
    throw refuse(
      only === undefined ? asSeenFromStart(path) : '--only',
      possible.length === 0
        ? `holds no build of ${BUILDERS.join(' or ')}: a bake makes an AMI`
        : `found ${only}, must be one of ${names}`,
    );
  if (another) throw refuse('--only', `found nothing, must be one of ${names}: an image is one of them`);
  return first;
}

/** Where variables must be set, and one file sets variables that Packer does not take by itself, that one. */
function theVarFile(files: Files, place: string, { variables }: Template): string[] {
  if (variables.every((one) => one.default !== undefined)) return [];
  const names = [...files.keys()].flatMap((file) => {
    const name = file.startsWith(`${place}/`) ? file.slice(place.length + 1) : '';
    return /^[^/]+\.pkrvars\.(hcl|json)$/.test(name) && !/\.auto\.pkrvars\./.test(name) ? [name] : [];
  });
  return names.length === 1 ? names : [];
}

/** Of files of variables in HCL; of those in JSON nothing is proposed. */
async function statedIn(
  files: Files,
  place: string,
  given: readonly string[],
): Promise<Map<string, Attribute>> {
  const readHcl = await openHcl();
  const own = [...files.keys()].filter(
    (file) =>
      file.startsWith(`${place}/`) && /^[^/]+\.auto\.pkrvars\.hcl$/.test(file.slice(place.length + 1)),
  );
  const all = [...own, ...given.map((name) => posix.join(place, name))].filter((name) =>
    name.endsWith('.hcl'),
  );
  return new Map(
    all.flatMap((file) => [...readHcl(file, new TextDecoder().decode(files.get(file))).attributes]),
  );
}

/** What the template reads outside of its directory. In the factory all is packed, and what is named is its own besides. */
function alongside(template: Template, { path, repository, written }: Place, factory: string): string[] {
  return pathsOutside(template).flatMap((named) => {
    const at = join(path, named);
    if (!existsSync(at)) return [];
    const inFactory = relative(factory, at).split(sep).join('/');
    if (written.startsWith('../') && !inFactory.startsWith('..')) return [`../../${inFactory}`];
    const inRepository = repository === undefined ? '..' : relative(repository, at).split(sep).join('/');
    if (inRepository === '' || inRepository.startsWith('..'))
      throw refuse(
        asSeenFromStart(path),
        `names ${named}, which leads out of the repository: a bake has what the repository has`,
      );
    if (written.startsWith('../'))
      throw refuse(
        asSeenFromStart(path),
        `names ${named}, which leads out of the factory’s directory: move the template out of it too, and what it names is packed beside it`,
      );
    return [`/${inRepository}`];
  });
}

/** What else the source has stays beside its files. */
const withMade = (files: Files, made: readonly (readonly [string, Uint8Array])[]): Files =>
  Object.assign(new Map([...files, ...made]), {
    links: files.links ?? new Map(),
    submodules: files.submodules ?? [],
  });

function ofImage(image: string, yaml: string, layer: string): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder();
  return new Map([
    [`images/${image}/image.yaml`, encoder.encode(yaml)],
    [`images/${image}/config/default.yaml`, encoder.encode(layer)],
  ]);
}

const imageYaml = (image: string, platform: string, packer: Partial<PackerDirectory>): string =>
  stringify(
    { description: `${image}, from ${packer.directory}`, version: '1.0', platform, packer },
    { singleQuote: true, lineWidth: 0 },
  );

function layerYaml(
  { source, architecture, instanceType, rootVolumeSizeGiB }: Proposal,
  options: AdoptOptions,
): string {
  const variables = options.variables.map((one): [string, unknown] => {
    const [, name, value = ''] = /^([A-Za-z_][\w-]*)=(.*)$/s.exec(one) ?? [];
    if (name === undefined) throw refuse('--variable', `found "${one}", must look like packages=[nginx, jq]`);
    return [name, yamlOf('--variable', value)];
  });
  const asked = options.source === undefined ? source : yamlOf('--source', options.source);
  const layer = {
    ...(asked !== undefined && { source: asked }),
    ...(architecture && { architecture }),
    ...(instanceType !== undefined && { instanceType }),
    rootVolumeSizeGiB,
    ...(variables.length > 0 && { variables: Object.fromEntries(variables) }),
  };
  return stringify(layer, { singleQuote: true, lineWidth: 0 });
}

function yamlOf(option: string, text: string): unknown {
  try {
    return parse(text) as unknown;
  } catch {
    throw refuse(option, `found "${text}", must be YAML`);
  }
}

/** The layer is not written yet, so what it lacks is said by the option that fills it. */
function aboutTheImage(problems: ReturnType<typeof checkFactory>, image: string, { path }: Place) {
  const isSource = ({ path: at, message }: { path: string; message: string }) =>
    at === 'source' && message.startsWith('found nothing');
  return sortedProblems(problems).map((one) =>
    isSource(one)
      ? {
          file: asSeenFromStart(path),
          line: 0,
          path: '',
          message: `does not say which AMI ${image} starts from: say it as --source 'image: linux-base', or any other source that a layer may have`,
        }
      : one,
  );
}
