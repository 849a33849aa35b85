import { openHcl } from '../../core/templates/hcl.ts';
import { type TaskName, isTaskName } from '../../core/contract/tasks.ts';

type Handler = (event: unknown) => Promise<unknown>;

/** The real task handlers; each is loaded when a state asks for it. */
const HANDLERS: Readonly<Record<TaskName, () => Promise<{ handler: Handler }>>> = {
  'announce-release': async () => import('../../tasks/announce-release.ts'),
  'announce-rollback': async () => import('../../tasks/announce-rollback.ts'),
  'answer-approval': async () => import('../../tasks/answer-approval.ts'),
  approve: async () => import('../../tasks/approve.ts'),
  'await-retry': async () => import('../../tasks/await-retry.ts'),
  'clear-failed-stage': async () => import('../../tasks/clear-failed-stage.ts'),
  'take-over-amis': async () => import('../../tasks/take-over-amis.ts'),
  'apply-version-tags': async () => import('../../tasks/apply-version-tags.ts'),
  'compare-amis': async () => import('../../tasks/compare-amis.ts'),
  'copy-amis': async () => import('../../tasks/copy-amis.ts'),
  'unshare-amis': async () => import('../../tasks/unshare-amis.ts'),
  'check-amis': async () => import('../../tasks/check-amis.ts'),
  'scan-amis': async () => import('../../tasks/scan-amis.ts'),
  'test-amis': async () => import('../../tasks/test-amis.ts'),
  'deregister-amis': async () => import('../../tasks/deregister-amis.ts'),
  'verify-rollback': async () => import('../../tasks/verify-rollback.ts'),
  'plan-releases': async () => import('../../tasks/plan-releases.ts'),
  'publish-release': async () => import('../../tasks/publish-release.ts'),
  'resolve-source-amis': async () => import('../../tasks/resolve-source-amis.ts'),
  'summarise-releases': async () => import('../../tasks/summarise-releases.ts'),
  'find-dead-releases': async () => import('../../tasks/find-dead-releases.ts'),
  'report-sweep': async () => import('../../tasks/report-sweep.ts'),
  'sweep-release': async () => import('../../tasks/sweep-release.ts'),
  'plan-repoint': async () => import('../../tasks/plan-repoint.ts'),
  'enable-amis': async () => import('../../tasks/enable-amis.ts'),
  'mark-versions': async () => import('../../tasks/mark-versions.ts'),
  'point-latest': async () => import('../../tasks/point-latest.ts'),
  'disable-amis': async () => import('../../tasks/disable-amis.ts'),
  'record-repoint': async () => import('../../tasks/record-repoint.ts'),
  'put-back-versions': async () => import('../../tasks/put-back-versions.ts'),
  'plan-inventory': async () => import('../../tasks/plan-inventory.ts'),
  'take-inventory': async () => import('../../tasks/take-inventory.ts'),
  'report-inventory': async () => import('../../tasks/report-inventory.ts'),
  'retire-versions': async () => import('../../tasks/retire-versions.ts'),
  'restore-version': async () => import('../../tasks/restore-version.ts'),
  'withdraw-publication': async () => import('../../tasks/withdraw-publication.ts'),
};

export async function loadTask(name: string): Promise<Handler | undefined> {
  // A task that reads templates would load their grammar at its first call, while the clock thinks that nothing happens.
  await openHcl();
  return isTaskName(name) ? (await HANDLERS[name]()).handler : undefined;
}
