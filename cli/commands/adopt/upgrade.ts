/** Templates in Packer's old JSON become HCL, by Packer itself. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { Files } from '../../../core/configuration/files.ts';
import { shown } from '../../../core/configuration/documents/problems.ts';
import { findPacker } from '../../../tools/packer.ts';
import { runTool } from '../../checks/run-tool.ts';
import { refuse } from '../../input/arguments.ts';

/** Whether a file is such a template: other JSON has no builders. */
export function isOldTemplate(name: string, bytes: Uint8Array | undefined): boolean {
  if (!bytes || !/^[^/]+\.json$/.test(name) || /\.(pkr|pkrvars)\.json$/.test(name)) return false;
  try {
    return Array.isArray(Object(JSON.parse(new TextDecoder().decode(bytes))).builders);
  } catch {
    return false;
  }
}

/** @throws InvalidConfiguration when there is no Packer, or it refuses the template */
export async function upgraded(
  files: Files,
  file: string,
  place: string,
): Promise<{ name: string; text: string }> {
  const packer = await findPacker();
  if (!packer)
    throw refuse(
      place,
      'is in the JSON of old Packers, and Packer 1.11 or newer, which makes HCL of it, is missing: install it',
    );
  const directory = await mkdtemp(join(tmpdir(), 'packleader-adopt-'));
  try {
    const from = join(directory, posix.basename(file));
    const to = join(directory, 'made.pkr.hcl');
    await writeFile(from, files.get(file) ?? '');
    const args = ['hcl2_upgrade', `-output-file=${to}`, from];
    const { status, stderr, stdout } = await runTool(packer.command, args, {
      cwd: directory,
      env: { ...packer.environment, CHECKPOINT_DISABLE: '1', PACKER_NO_COLOR: '1' },
    });
    const said = `${stderr}\n${stdout}`.replaceAll(/\s+/g, ' ').trim();
    if (status !== 0) throw refuse(place, `packer hcl2_upgrade refuses it: ${shown(said)}`);
    const text = await readFile(to, 'utf8');
    return { name: `${posix.basename(file, '.json')}.pkr.hcl`, text };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
