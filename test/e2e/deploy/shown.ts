/** What the commits of the team's repository show, at a server that answers as their provider does. */
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { ProviderServer } from '../../telling/provider-server.ts';
import { STATUS_TOKEN, type TeamRepository } from './repository.ts';

const statusSchema = z.object({
  state: z.enum(['pending', 'success', 'failure']),
  context: z.string(),
  description: z.string().max(140),
  target_url: z.string().regex(/^https:\/\/\S+\/states\/home\?\S+:execution:/),
});

/** Returns what the commits do not show, once everything was released. */
export async function notShown(
  { received }: ProviderServer,
  { firstCommit }: TeamRepository,
): Promise<string[]> {
  // Whoever sends an event does not wait for what comes of it.
  for (let attempt = 0; attempt < ATTEMPTS && missing().length > 0; attempt++) await sleep(200);
  const strangers = received.filter(
    ({ method, path, headers }) =>
      method !== 'POST' ||
      !/^\/repos\/example\/images\/statuses\/[0-9a-f]{40}$/.test(path) ||
      headers.authorization !== `Bearer ${STATUS_TOKEN}`,
  );
  return [...missing(), ...strangers.map(({ method, path }) => `Somebody asked ${method} ${path}`)];

  function missing(): string[] {
    const shown = received.map(({ path, body }) => {
      const { state, context, description } = statusSchema.parse(body);
      const of = path.endsWith(`/${firstCommit}`) ? 'the push' : 'a commit';
      return `${of}: ${context} ${state}, ${description}`;
    });
    return SHOWN.filter((one) => !shown.some((line) => one.test(line))).map(
      (one) => `No commit shows ${one.source}, of: ${shown.toSorted().join(' | ')}`,
    );
  }
}

const ATTEMPTS = 100;

/** Each of them of a scenario. That a release begins moto does not tell, so nothing is pending here; a description is cut where GitHub cuts it. */
const SHOWN: readonly RegExp[] = [
  /^the push: packleader success, Released linux-base@\S+$/,
  /^the push: packleader\/linux-base success, \S+: ami-\w+ \(111111111111\/eu-\S+\), ami-/,
  /^a commit: packleader\/dev-fails failure, BakeFailed: /,
  /^a commit: packleader\/rejected failure, .*arn:\S+packleader-operator/,
  /^a commit: packleader\/stopped failure, Stopped$/,
];
