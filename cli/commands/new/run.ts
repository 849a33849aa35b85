/** `packleader new image`: an image that bakes, to be changed into the one that is wanted. */
import * as z from 'zod';
import { existsSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import {
  loadConfiguration,
  chosenImage,
  type Configuration,
} from '../../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../../core/configuration/effective.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { plain } from '../../../core/configuration/documents/nodes.ts';
import { readYaml } from '../../../core/configuration/documents/yaml.ts';
import { checkedConfiguration } from '../../../core/templates/check.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { projectOf } from '../../input/project.ts';
import { fromStart } from '../../input/start-directory.ts';
import { type NewFile, bytesOf, onlyNew, writeChanges } from '../../scaffold/changes.ts';
import { type FirstLine, type ImageDraft, draftFrom, imageFiles } from '../../scaffold/images.ts';
import { schemaComment, templateFiles } from '../../scaffold/package-files.ts';
import { PUBLIC_SOURCES } from '../../scaffold/sources.ts';
import type { Output } from '../../terminal/output.ts';
import { tell } from './tell.ts';

export interface NewImageOptions {
  readonly on?: string;
  readonly from?: string;
  readonly factory: string;
}

/** @throws InvalidConfiguration before anything is written */
export async function newImageCommand(name: string, options: NewImageOptions, output: Output): Promise<void> {
  const { directory, files } = checkOutFactory(options.factory);
  const root = fromStart(directory);
  const configuration = loadConfiguration(configurationFiles(files));
  if (configuration.imageNames.includes(name) || existsSync(join(root, 'images', name)))
    throw refuse(`images/${name}`, 'is there already, must be the name of a new image');
  const draft = draftOf(name, options, configuration);
  const project = projectOf(root) ?? dirname(root);
  const place = relative(project, root).split(sep).join('/');
  const firstLine: FirstLine = (path, schema) => schemaComment(project, posix.join(place, path), schema);
  const made = [...imageFiles(draft, firstLine), ...missingTemplate(draft, configuration, files)];
  const all = new Map([...bytesOf(made), ...files]);
  // The same that a release would refuse is refused before it is written.
  await checkedConfiguration(all, { images: [name] });
  const { written } = onlyNew(root, made);
  writeChanges(root, { written, added: [] });
  tell(output, { directory, written, image: name });
}

function draftOf(name: string, { on, from }: NewImageOptions, configuration: Configuration): ImageDraft {
  if ((on === undefined) === (from === undefined))
    throw refuse(
      'packleader new image',
      'must have either --on, an image of this factory, or --from, a public AMI',
    );
  if (on !== undefined) return draftOn(name, on, configuration);
  const source = PUBLIC_SOURCES[from ?? ''];
  if (source === undefined)
    throw refuse('--from', `must be one of ${Object.keys(PUBLIC_SOURCES).join(', ')}`);
  const stated = settingsIn('config/default.yaml', configuration)['architecture'];
  return draftFrom(name, source, stated === 'arm64' ? 'arm64' : 'x86_64');
}

/** What the layer of a base says that an image on it needs too: how its builder is reached, and what it is. */
const INHERITED = ['architecture', 'instanceType', 'timeoutMinutes', 'sshInterface', 'network'];
const INHERITED_VARIABLES = ['ssh_username', 'root_device_name', 'winrm_interface'];

function draftOn(name: string, on: string, configuration: Configuration): ImageDraft {
  const { factory } = configuration;
  const { platform, template } = chosenImage(factory, on);
  const effective = factory.stages.flatMap(({ name: stage, targets }) =>
    targets.map((target) => effectiveSettings(configuration, { image: on, stage, target }).settings),
  );
  const stated = settingsIn(`images/${on}/config/default.yaml`, configuration);
  const variables = only(mapOf(stated['variables']), INHERITED_VARIABLES);
  return {
    name,
    description: `${name} on ${on}`,
    platform,
    ...(template !== undefined && template !== platform && { template }),
    on,
    settings: {
      source: { image: on },
      ...only(stated, INHERITED),
      // A volume cannot be smaller than the one of the AMI it starts from.
      rootVolumeSizeGiB: Math.max(...effective.map(({ rootVolumeSizeGiB }) => rootVolumeSizeGiB)),
      ...(Object.keys(variables).length > 0 && { variables }),
    },
  };
}

/** What a layer says for all targets; nothing where there is none. */
function settingsIn(file: string, { layers }: Configuration): Record<string, unknown> {
  const node = layers.get(file)?.own.node;
  return node === undefined ? {} : mapOf(plain(node));
}

const mapOf = (value: unknown): Record<string, unknown> =>
  z.record(z.string(), z.unknown()).catch({}).parse(value);

const only = (map: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(map).filter(([key]) => keys.includes(key)));

/** The package's template for a platform of which the factory has none. */
function missingTemplate(
  { platform, template: own }: ImageDraft,
  { factory, templateNames }: Configuration,
  files: ReadonlyMap<string, Uint8Array>,
): NewFile[] {
  if (own !== undefined || templateNames.includes(platform)) return [];
  const alone = factory.images.filter(
    (image) => image.platform === platform && !saysTemplate(files, image.name),
  );
  if (alone.length > 0)
    throw refuse(
      `templates/${platform}`,
      `would be laid under ${alone.map((image) => image.name).join(', ')} as well, which say nothing of a template: write template: none into their image.yaml first`,
    );
  return templateFiles(platform);
}

function saysTemplate(files: ReadonlyMap<string, Uint8Array>, image: string): boolean {
  const file = `images/${image}/image.yaml`;
  return readYaml(file, new TextDecoder().decode(files.get(file))).node?.entries.has('template') === true;
}
