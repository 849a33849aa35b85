/** Somebody who answers whatever asks for approval, as soon as an event tells of it. */
import * as z from 'zod';
import { approveReleases } from '../../../client/client.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { HUB } from '../../fixtures/accounts.ts';
import type { Allowed } from './gate.ts';
import type { Stand } from './played.ts';

/** How a release is answered; throws when that does not count. */
export type Answering = (stand: Pick<Stand, 'operator'>, releaseId: string) => Promise<void>;

const entriesSchema = z.object({
  Entries: z.array(z.object({ DetailType: z.string().optional(), Detail: z.string().optional() })),
});
const detailSchema = z.object({ releaseId: z.string(), image: z.string() });

/** From now on, and nobody else any more: by the typed client, or as it is said of an image. */
export function answerApprovals({
  running,
  operator,
  answers,
}: Pick<Stand, 'running' | 'operator' | 'answers'>): void {
  const told = ({ operation, input }: Allowed): void => {
    if (operation !== 'PutEvents') return;
    for (const { DetailType, Detail = '' } of entriesSchema.parse(input).Entries) {
      if (DetailType !== NAMES.approvalRequested) continue;
      const { releaseId, image } = detailSchema.parse(JSON.parse(Detail));
      const answer = answers.get(image) ?? approvedByClient;
      answer({ operator }, releaseId).catch((error: unknown) =>
        running.handOver.refused.push(`${releaseId} was not answered: ${String(error)}`),
      );
    }
  };
  running.gate.onPassed = told;
}

async function approvedByClient({ operator }: Pick<Stand, 'operator'>, releaseId: string): Promise<void> {
  const { complete, answers } = await approveReleases([releaseId], {
    hub: HUB,
    client: await operator.client(),
    reason: 'looks well',
  });
  if (!complete) throw new Error(JSON.stringify(answers));
}

/** `packleader approve` or `reject`, typed. */
export const answeredBy =
  (command: 'approve' | 'reject', reason: string): Answering =>
  async ({ operator }, releaseId) => {
    const ran = await operator.types(command, releaseId, '--reason', reason);
    if (ran.status !== 0) throw new Error(`packleader ${command}: ${ran.status} ${ran.stdout}${ran.stderr}`);
  };
