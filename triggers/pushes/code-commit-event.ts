import * as z from 'zod';
import { type GitPush, commitIdSchema } from '../../core/contract/events.ts';

/**
 * What CodeCommit puts on the bus when a branch is made or moved; the rule lets nothing else through.
 *  @see https://docs.aws.amazon.com/codecommit/latest/userguide/monitoring-events.html
 */
export const codeCommitEventSchema = z.object({
  source: z.literal('aws.codecommit'),
  id: z.string(),
  region: z.string(),
  detail: z.object({
    event: z.enum(['referenceCreated', 'referenceUpdated']),
    repositoryName: z.string(),
    referenceType: z.literal('branch'),
    referenceName: z.string(),
    commitId: commitIdSchema,
  }),
});

export function pushOfCodeCommit({ id, region, detail }: z.infer<typeof codeCommitEventSchema>): GitPush {
  return {
    provider: 'codecommit',
    repository: `git-codecommit.${region}.amazonaws.com/v1/repos/${detail.repositoryName}`,
    branch: detail.referenceName,
    commit: detail.commitId,
    // EventBridge may deliver an event twice; its id stays the same.
    delivery: { id, fingerprint: id },
  };
}
