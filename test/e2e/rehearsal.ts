/** Rehearses, in a process of its own, what was released: the tasks' clients keep the credentials that they found first. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { configurationFiles } from '../../core/configuration/files.ts';
import { checkOutFactory } from '../../cli/input/checkout.ts';
import type { Fault } from '../../sandbox/rehearsal/faults.ts';
import { rehearse, type Report } from '../../sandbox/rehearsal/rehearsal.ts';
import { loadFactory } from '../../core/configuration/factory.ts';
import { definitionsOf } from '../../workflow/definitions.ts';
import { bucketName } from '../../core/contract/names.ts';

export interface Rehearsal {
  /** The repository that the release came from. */
  readonly repository: string;
  readonly request: unknown;
  readonly faults: readonly Fault[];
  readonly startAt: string;
}

const rehearsalSchema = z.object({
  repository: z.string(),
  request: z.unknown(),
  faults: z.array(z.custom<Fault>()),
  startAt: z.string(),
});

export function rehearseAlone(rehearsal: Rehearsal): Pick<Report, 'releases' | 'world'> {
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'));
  const printed = execFileSync(process.execPath, [import.meta.filename], {
    input: JSON.stringify(rehearsal),
    env: Object.fromEntries(environment),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return z.custom<Pick<Report, 'releases' | 'world'>>().parse(JSON.parse(printed));
}

if (import.meta.main) {
  const { repository, request, faults, startAt } = rehearsalSchema.parse(JSON.parse(readFileSync(0, 'utf8')));
  const { commit, files } = checkOutFactory(repository);
  const factory = loadFactory(configurationFiles(files));
  const { releases, world } = await rehearse({
    factory,
    machines: definitionsOf(factory),
    bucket: bucketName(factory),
    checkOut: () => ({ commit, branch: factory.defaultBranch, files, changes: {} }),
    request,
    faults,
    startAt: new Date(startAt),
    background: false,
  });
  process.stdout.write(JSON.stringify({ releases, world }));
}
