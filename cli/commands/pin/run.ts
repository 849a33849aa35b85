/** `packleader pin`: the programs that every bake runs, with their digests, in packleader.config. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import {
  DEPLOYMENT_FILE,
  type DeploymentSettings,
  loadDeploymentSettings,
} from '../../../core/configuration/deployment-settings.ts';
import { shown } from '../../../core/configuration/documents/problems.ts';
import { refuse } from '../../input/arguments.ts';
import { projectOf } from '../../input/project.ts';
import { fromStart } from '../../input/start-directory.ts';
import { writeChanges } from '../../scaffold/changes.ts';
import { deploymentFile } from '../../scaffold/project.ts';
import type { Output } from '../../terminal/output.ts';
import { INTERNET, PACKER, type Pin, SESSION_MANAGER_PLUGIN, type Tool } from './published.ts';
import { tell } from './tell.ts';

export interface PinOptions {
  /** `<version>`, or `<version>=<sha256>` */
  readonly packer?: string;
  readonly sessionManagerPlugin?: string;
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
  const both = options.packer === undefined && options.sessionManagerPlugin === undefined;
  const wanted = [PACKER, SESSION_MANAGER_PLUGIN]
    .map((tool) => ({ tool, ...readWanted(tool, options[tool.key]) }))
    .filter(({ version }) => both || version !== undefined);
  const pinned: Pinned[] = [];
  for (const { tool, version, sha256 } of wanted) {
    output.status(`  … ${tool.key}`);
    const pin = await pinOf(tool, version, sha256);
    pinned.push({ tool, ...pin, byHand: sha256 !== undefined, known: isKnown(before, tool, pin) });
  }
  output.status('');
  if (pinned.some(({ known }) => !known)) write(root, pinned);
  tell(output, pinned);

  async function pinOf(tool: Tool, version: string | undefined, sha256: string | undefined): Promise<Pin> {
    if (version !== undefined && sha256 !== undefined) return { version, sha256 };
    return tool.fetched(version ?? (await tool.newest(internet)), internet);
  }
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
function write(root: string, pinned: readonly Pinned[]): void {
  const file = join(root, DEPLOYMENT_FILE);
  const isThere = existsSync(file);
  const made = deploymentFile(root);
  const document = parseDocument(isThere ? readFileSync(file, 'utf8') : String(made.content));
  for (const { tool, version, sha256 } of pinned) document.set(tool.key, { version, sha256 });
  const content = document.toString({ singleQuote: true, lineWidth: 0 });
  const change = { ...made, content };
  writeChanges(
    root,
    isThere ? { written: [], added: [{ ...change, added: '' }] } : { written: [change], added: [] },
  );
}
