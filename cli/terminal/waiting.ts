import type { ImageRelease } from '../../client/client.ts';

/** What a release waits for, and how to answer; nothing of one that waits for nobody. */
export function waitingLines({
  releaseId,
  waiting,
  awaitsRetry,
}: Pick<ImageRelease, 'releaseId' | 'waiting' | 'awaitsRetry'>): string[] {
  if (awaitsRetry)
    return [
      `failed in ${awaitsRetry.stage}, and keeps what it has baked before until ${awaitsRetry.until.slice(0, 16)}Z:`,
      `packleader retry ${releaseId}, or packleader cancel`,
    ];
  if (!waiting) return [];
  const { stage, until, fourEyes } = waiting;
  return [
    `waits until ${until.slice(0, 16)}Z for the approval of ${stage}${fourEyes ? ', by somebody else than whoever started it' : ''}:`,
    `packleader approve ${releaseId} --reason '…', or packleader reject`,
  ];
}
