/** Rehearses, in a process of its own, what was released: the tasks' clients keep the credentials that they found first. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { configurationFiles } from '../../core/configuration/files.ts';
import { checkOutFactory } from '../../cli/input/checkout.ts';
import type { Fault } from '../../sandbox/rehearsal/faults.ts';
import { rehearse, type Report } from '../../sandbox/rehearsal/rehearsal.ts';
import { loadFactory } from '../../core/configuration/factory.ts';
import { definitionsOf } from '../../workflow/definitions.ts';
import { bucketName } from '../../core/contract/names.ts';
import type { ScanAmis } from '../../core/contract/vulnerabilities.ts';

export interface Rehearsal {
  /** The repository that the release came from. */
  readonly repository: string;
  readonly request: unknown;
  readonly faults: readonly Fault[];
  /** The stages that are rejected; default: none. */
  readonly rejects?: readonly string[];
  /** Whether AMIs are tested and copied, and what scans them, where that is deployed. */
  readonly testAmis?: boolean;
  readonly copyAmis?: boolean;
  readonly scanAmis?: ScanAmis;
  readonly startAt: string;
  /** The branch it is released from; the default one by default. */
  readonly branch?: string;
}

const rehearsalSchema = z.object({
  repository: z.string(),
  request: z.unknown(),
  faults: z.array(z.custom<Fault>()),
  rejects: z.array(z.string()).default([]),
  testAmis: z.boolean().default(false),
  copyAmis: z.boolean().default(false),
  scanAmis: z.custom<ScanAmis>().optional(),
  startAt: z.string(),
  branch: z.string().optional(),
});

export async function rehearseAlone(rehearsal: Rehearsal): Promise<Pick<Report, 'releases' | 'world'>> {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const child = spawn(process.execPath, [import.meta.filename], {
    env: Object.fromEntries(environment),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(rehearsal));
  const [printed, code] = await Promise.all([
    text(child.stdout),
    new Promise<number | null>((resolve) => child.on('exit', resolve)),
  ]);
  if (code !== 0) throw new Error(`The rehearsal ended with status ${code}.`);
  return z.custom<Pick<Report, 'releases' | 'world'>>().parse(JSON.parse(printed));
}

if (import.meta.main) {
  const { repository, request, faults, rejects, testAmis, copyAmis, scanAmis, startAt, branch } =
    rehearsalSchema.parse(JSON.parse(readFileSync(0, 'utf8')));
  const { commit, files } = checkOutFactory(repository);
  const factory = loadFactory(configurationFiles(files));
  const { releases, world } = await rehearse({
    factory,
    machines: definitionsOf(factory, { testAmis, copyAmis, ...(scanAmis !== undefined && { scanAmis }) }),
    bucket: bucketName(factory),
    checkOut: () => ({ commit, branch: branch ?? factory.defaultBranch, files, changes: {} }),
    request,
    faults,
    rejects,
    startAt: new Date(startAt),
    background: false,
  });
  process.stdout.write(JSON.stringify({ releases, world }));
}
