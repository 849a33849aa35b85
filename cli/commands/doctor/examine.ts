/** Looks at the hub and at every target of a factory before a release has to. */
import { S3Client } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import pMap from 'p-map';
import { callerAccount } from '../../../client/accounts.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import type { DeploymentSettings } from '../../../core/configuration/deployment-settings.ts';
import { approversOf } from '../../../core/configuration/factory.ts';
import { configurationFiles, type Files } from '../../../core/configuration/files.ts';
import { bucketName } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { examineAccount } from './account.ts';
import { fetchOnce } from './bakes/pinned-tools.ts';
import { examinedTargets, withTemplates } from './bakes/planned-bakes.ts';
import { examineSources } from './bakes/sources.ts';
import type { Finding } from './finding.ts';
import { examineHub } from './hub.ts';
import { requiredPlugins } from '../../../core/templates/plugins.ts';
import { type Session, configOf, openSession } from './sessions.ts';
import { examineTarget } from './target.ts';

/** Accounts that are looked at at the same time; each takes a dozen calls. */
const ACCOUNTS = 8;

export interface DoctorRequest {
  readonly files: Files;
  /** A role of every account that is looked with; by default the caller's own credentials, else the steward. */
  readonly role?: string;
  /** What packleader.config says. */
  readonly settings?: DeploymentSettings;
  readonly onFound?: (place: string) => void;
}

/**
 * Every check, hub first, then account by account in the order of the stages. Safe to repeat: it leaves nothing behind.
 *  @throws InvalidConfiguration, NoCredentials, HubUnreachable
 */
export async function examineFactory({ files, role, settings, onFound }: DoctorRequest): Promise<Finding[]> {
  const configuration = loadConfiguration(configurationFiles(files));
  const { hub, stages } = configuration.factory;
  const targets = await withTemplates(examinedTargets(configuration), configuration, files);
  const caller = await callerAccount(new STSClient({ region: hub.region }));
  const open = async (accountId: string): Promise<Session> =>
    openSession(accountId, { caller, region: hub.region, ...(role !== undefined && { role }) });
  const bucket = bucketName(configuration.factory);
  const hubSession = await openHub();
  const s3 = hubSession.as === 'nobody' ? undefined : new S3Client(configOf(hubSession, hub.region));
  const lookedFor = {
    fetchTool: fetchOnce(s3 && { s3, name: bucket }),
    required: await requiredPlugins(files, configuration.factory.images),
  };
  const ofHub = await examineHub(
    hub,
    bucket,
    hubSession,
    lookedFor,
    settings,
    approversOf(configuration.factory),
  );
  onFound?.('hub');
  const accounts = [...new Set(targets.map(({ accountId }) => accountId))];
  const opened = await pMap(accounts, async (accountId) => [accountId, await open(accountId)] as const, {
    concurrency: ACCOUNTS,
  });
  const ofAccounts = pMap(
    opened,
    async ([accountId, session]) => {
      const own = targets.filter((target) => target.accountId === accountId);
      const bakes = own.flatMap((target) => target.bakes);
      const copies = own.some((target) => target.copies.length > 0 || target.copiedBy.size > 0);
      const found = await Promise.all([
        examineAccount(session, hub, { builds: mostBuilds(stages, accountId), bakes, copies }, lookedFor),
        ...own.map(async (target) => examineTarget(target, session, mayKeep(target))),
      ]);
      onFound?.(accountId);
      return found.flat();
    },
    { concurrency: ACCOUNTS },
  );
  const [here, sources] = await Promise.all([ofAccounts, examineSources(targets, new Map(opened))]);
  const findings = [...ofHub, ...here.flat(), ...sources];
  return [...Map.groupBy(findings, ({ place }) => place).values()].flat();

  /** Whether a bake that fails there may keep its builder. */
  function mayKeep({ accountId, region }: Target): boolean {
    const [first] = stages;
    const isFirst = first?.targets.some((one) => one.accountId === accountId && one.region === region);
    return settings?.keepBuilders === true && isFirst === true;
  }

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
