/** `packleader pin`: the programs that every bake runs, with their digests, in packleader.config. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parseDocument } from 'yaml';
import {
  DEPLOYMENT_FILE,
  type DeploymentSettings,
  type PinnedPlugin,
  loadDeploymentSettings,
} from '../../../core/configuration/deployment-settings.ts';
import { shown } from '../../../core/configuration/documents/problems.ts';
import { loadFactory } from '../../../core/configuration/factory.ts';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { type RequiredPlugin, exactVersion, requiredPlugins } from '../../../core/templates/plugins.ts';
import { refuse } from '../../input/arguments.ts';
import { checkOutFactory } from '../../input/checkout.ts';
import { projectOf } from '../../input/project.ts';
import { fromStart } from '../../input/start-directory.ts';
import { writeChanges } from '../../scaffold/changes.ts';
import { deploymentFile } from '../../scaffold/project.ts';
import type { Output } from '../../terminal/output.ts';
import { INTERNET } from '../../input/internet.ts';
import { PACKER, type Pin, SESSION_MANAGER_PLUGIN, type Tool, publishedPlugin } from './published.ts';
import { tell } from './tell.ts';

export interface PinOptions {
  /** `<version>`, or `<version>=<sha256>` */
  readonly packer?: string;
  readonly sessionManagerPlugin?: string;
  /** Packer's, those of the templates. */
  readonly plugins?: boolean;
}

/** What is pinned now, and who says so. */
export interface Pinned extends Pin {
  readonly tool: Tool;
  readonly byHand: boolean;
  /** Whether it was pinned before. */
  readonly known: boolean;
}

/** @throws InvalidConfiguration before anything is written */
export async function pinCommand(options: PinOptions, output: Output, internet = INTERNET): Promise<void> {
  const root = projectOf(fromStart('.')) ?? fromStart('.');
  // What is wrong with the file is said before anything is fetched.
  const before = loadDeploymentSettings(root);
  const plugins = options.plugins === true ? exactPlugins(await requiredHere()) : [];
  const both =
    options.packer === undefined && options.sessionManagerPlugin === undefined && plugins.length === 0;
  const wanted = [PACKER, SESSION_MANAGER_PLUGIN]
    .map((tool) => ({ tool, ...readWanted(tool, options[tool.key]) }))
    .filter(({ version }) => both || version !== undefined);
  const pinned: Pinned[] = [];
  for (const { tool, version, sha256 } of wanted) {
    output.status(`  … ${tool.key}`);
    const pin = await pinOf(tool, version, sha256);
    pinned.push({ tool, ...pin, byHand: sha256 !== undefined, known: isKnown(before, tool, pin) });
  }
  const pinnedPlugins: PinnedPlugin[] = [];
  for (const plugin of plugins) {
    output.status(`  … ${plugin.source}`);
    pinnedPlugins.push(await publishedPlugin(plugin, internet));
  }
  output.status('');
  const arePlugins = plugins.length > 0 && !isDeepStrictEqual(before.plugins, pinnedPlugins);
  if (arePlugins || pinned.some(({ known }) => !known))
    write(root, pinned, arePlugins ? pinnedPlugins : undefined);
  tell(output, pinned, pinnedPlugins, !arePlugins);

  async function pinOf(tool: Tool, version: string | undefined, sha256: string | undefined): Promise<Pin> {
    if (version !== undefined && sha256 !== undefined) return { version, sha256 };
    return tool.fetched(version ?? (await tool.newest(internet)), internet);
  }
}

async function requiredHere(): Promise<RequiredPlugin[]> {
  const { files } = checkOutFactory('.');
  const required = await requiredPlugins(files, loadFactory(configurationFiles(files)).images);
  if (required.length > 0) return required;
  throw refuse('--plugins', 'found no template that requires a plugin, must be a factory with one');
}

/** One version each: who takes what is newest bakes something else tomorrow. */
function exactPlugins(required: readonly RequiredPlugin[]): Pick<PinnedPlugin, 'source' | 'version'>[] {
  const exact = required.map((one) => {
    const version = exactVersion(one);
    if (version !== undefined) return { source: one.source, version };
    throw refuse(
      '--plugins',
      `${one.file}:${one.line} requires ${one.version || 'any version'} of ${one.source}, must be one version, like = 1.3.2; or write the plugin into ${DEPLOYMENT_FILE} by hand`,
    );
  });
  return [...new Map(exact.map((one) => [`${one.source} ${one.version}`, one])).values()];
}

function readWanted({ flag }: Tool, text: string | undefined): { version?: string; sha256?: string } {
  if (text === undefined) return {};
  const [, version, sha256] = /^(\d+(?:\.\d+)+)(?:=([0-9a-f]{64}))?$/.exec(text) ?? [];
  if (version === undefined)
    throw refuse(
      flag,
      `found ${shown(text)}, must be a version like 1.11.2, or one with the SHA-256 behind a =`,
    );
  return sha256 === undefined ? { version } : { version, sha256 };
}

function isKnown(settings: DeploymentSettings, { key }: Tool, { version, sha256 }: Pin): boolean {
  const known = settings[key];
  return known?.version === version && known.sha256 === sha256;
}

/** Comments and everything else in the file stay as they are. */
function write(root: string, pinned: readonly Pinned[], plugins: readonly PinnedPlugin[] | undefined): void {
  const file = join(root, DEPLOYMENT_FILE);
  const isThere = existsSync(file);
  const made = deploymentFile(root);
  const document = parseDocument(isThere ? readFileSync(file, 'utf8') : String(made.content));
  for (const { tool, version, sha256 } of pinned) document.set(tool.key, { version, sha256 });
  if (plugins) document.set('plugins', plugins);
  const content = document.toString({ singleQuote: true, lineWidth: 0 });
  const change = { ...made, content };
  writeChanges(
    root,
    isThere ? { written: [], added: [{ ...change, added: '' }] } : { written: [change], added: [] },
  );
}
