/** Looks at the hub and at every target of a factory before a release has to. */
import pMap from 'p-map';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { effectiveSettings } from '../../../core/configuration/effective.ts';
import type { FactoryFiles } from '../../../core/configuration/factory.ts';
import { bucketName } from '../../../core/contract/names.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { examineAccount } from './account.ts';
import type { Finding } from './finding.ts';
import { examineHub } from './hub.ts';
import { type Session, callerAccount, openSession } from './sessions.ts';
import { type ExaminedTarget, examineTarget } from './target.ts';

/** Accounts that are looked at at the same time; each takes a dozen calls. */
const ACCOUNTS = 8;

export interface DoctorRequest {
  readonly files: FactoryFiles;
  /** A role of every account that is looked with; by default the caller's own credentials, else the steward. */
  readonly role?: string;
  readonly onFound?: (place: string) => void;
}

/**
 * Every check, hub first, then account by account in the order of the stages. Safe to repeat: it leaves nothing behind.
 *  @throws InvalidConfiguration, NoCredentials, HubUnreachable
 */
export async function examineFactory({ files, role, onFound }: DoctorRequest): Promise<Finding[]> {
  const configuration = loadConfiguration(files);
  const { hub, stages, images } = configuration.factory;
  const targets = new Map<string, ExaminedTarget>();
  for (const { name: stage, targets: of } of stages) {
    for (const target of of) {
      const keys = images.map(
        ({ name: image }) => effectiveSettings(configuration, { image, stage, target }).settings.kmsKeyId,
      );
      const known = targets.get(targetName(target))?.kmsKeyIds ?? [];
      targets.set(targetName(target), {
        ...target,
        kmsKeyIds: [...new Set([...known, ...keys])],
        images: images.length,
      });
    }
  }
  const caller = await callerAccount(hub.region);
  const open = async (accountId: string): Promise<Session> =>
    openSession(accountId, { caller, region: hub.region, ...(role !== undefined && { role }) });
  const ofHub = await examineHub(hub, bucketName(configuration.factory), await openHub());
  onFound?.('hub');
  const accounts = [...new Set([...targets.values()].map(({ accountId }) => accountId))];
  const ofAccounts = await pMap(
    accounts,
    async (accountId) => {
      const session = await open(accountId);
      const own = [...targets.values()].filter((target) => target.accountId === accountId);
      const found = await Promise.all([
        examineAccount(session, hub, mostBuilds(stages, accountId)),
        ...own.map(async (target) => examineTarget(target, session)),
      ]);
      onFound?.(accountId);
      return found.flat();
    },
    { concurrency: ACCOUNTS },
  );
  return [...ofHub, ...ofAccounts.flat()];

  /** The hub has no steward: whoever is not in it needs a role. */
  async function openHub(): Promise<Session> {
    if (role !== undefined || caller === hub.accountId) return open(hub.accountId);
    const why = `these are credentials of ${caller}, and the hub is ${hub.accountId}`;
    const todo = 'use credentials of the hub, or give --as <role>';
    const verdict = { outcome: 'not checked', why, todo } as const;
    return { accountId: hub.accountId, as: 'nobody', credentials: undefined, verdict };
  }
}

/** A stage bakes in all of its targets at the same time. */
function mostBuilds(stages: readonly { readonly targets: readonly Target[] }[], accountId: string): number {
  return Math.max(
    ...stages.map(({ targets }) => targets.filter((target) => target.accountId === accountId).length),
  );
}
