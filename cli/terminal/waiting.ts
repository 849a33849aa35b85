import type { ImageRelease } from '../../client/client.ts';

/** What a release waits for, and how to answer; nothing of one that waits for nobody. */
export function waitingLines({ releaseId, waiting }: Pick<ImageRelease, 'releaseId' | 'waiting'>): string[] {
  if (!waiting) return [];
  const { stage, until, fourEyes } = waiting;
  return [
    `waits until ${until.slice(0, 16)}Z for the approval of ${stage}${fourEyes ? ', by somebody else than whoever started it' : ''}:`,
    `packleader approve ${releaseId} --reason '…', or packleader reject`,
  ];
}
