import { isDeepStrictEqual } from 'node:util';
import pMap from 'p-map';
import * as z from 'zod';
import { imagesToRelease } from '../core/releases/changed-images.ts';
import { askedOfBake } from '../core/templates/asked-of-bake.ts';
import { bakedTemplate, checkedConfiguration } from '../core/templates/check.ts';
import { type Configuration, chosenImage, loadConfiguration } from '../core/configuration/configuration.ts';
import { type Origin, effectiveSettings } from '../core/configuration/effective.ts';
import { builderSwitchProblems } from '../core/configuration/builder-switches.ts';
import { statedSettings } from '../core/configuration/stated-settings.ts';
import { baseImages, imagesInTiers } from '../core/configuration/tiers.ts';
import { FACTORY_FILE, type Factory, approvalsOf } from '../core/configuration/factory.ts';
import { adoptedVariables, builderChoices, packerVariables } from '../core/configuration/packer-variables.ts';
import {
  InvalidConfiguration,
  type Problem,
  problem,
  throwIfAny,
} from '../core/configuration/documents/problems.ts';
import { OVERRIDES } from '../core/configuration/layers.ts';
import { copiesOf } from '../core/configuration/copies.ts';
import { releaseVersion } from '../core/configuration/version.ts';
import { type Approvals, approvalsSchema } from '../core/contract/approvals.ts';
import {
  FETCH_SOURCE,
  HAS_BUILDER_CHOICES,
  HAS_SECRETS,
  hasOverlay,
  takesTemplate,
} from '../core/contract/environments.ts';
import { keys } from '../core/contract/keys.ts';
import { NAMES } from '../core/contract/names.ts';
import {
  type Plan,
  type PlannedRelease,
  type Release,
  type Source,
  changesSchema,
} from '../core/contract/releases.ts';
import { executionName, releaseExecutionArn } from '../core/releases/execution-name.ts';
import { type ConsumerPlan, type Consumers, launchPermissions } from '../core/contract/permissions.ts';
import { type Target, inGroups, targetName } from '../core/contract/targets.ts';
import type { TestOfTarget } from '../core/contract/tests.ts';
import { type Judged, SCANNERS, type ScanPlan } from '../core/contract/vulnerabilities.ts';
import { vulnerabilityProblems } from '../core/scan/check.ts';
import { testOf, testPlan } from '../core/tests/planned.ts';
import { configurationFiles, type Files } from '../core/configuration/files.ts';
import type { Settings } from '../core/configuration/settings.ts';
import { filesInZip } from '../core/source/zip.ts';
import { parseEvent } from '../core/contract/parse-event.ts';
import { readBytes, readJson, writeJson } from '../core/releases/plan-store.ts';
import { builtOnRevoked } from '../core/repoints/built-on-revoked.ts';
import { type ChosenRequest, parseRequest } from '../core/releases/release-request.ts';

const eventSchema = z.object({
  /** What was asked for; a person may have typed it, so it is judged on its own. */
  request: z.unknown(),
  execution: z.object({ id: z.string(), name: z.string(), startedAt: z.string() }),
  bucket: z.string(),
  /** What the state machines were deployed for; the commit's own factory.yaml must agree. */
  deployed: z.object({
    stages: z.array(z.string()),
    defaultBranch: z.string(),
    /** Whether the stewards may deprecate AMIs. */
    deprecatesAmis: z.literal(true).optional(),
    /** Missing where builders are on demand. */
    spotBuilders: z.boolean().exactOptional(),
    /** Missing where no builder of a failed bake is kept. */
    keepBuilders: z.boolean().exactOptional(),
    /** Missing where no AMI is booted. */
    testAmis: z.boolean().exactOptional(),
    /** Missing where nobody else may launch an AMI. */
    shareAmis: z.boolean().exactOptional(),
    /** Missing where no AMI is copied. */
    copyAmis: z.boolean().exactOptional(),
    /** What scans; missing where nothing does. */
    scanAmis: z.enum(SCANNERS).exactOptional(),
    /** The stages that somebody must approve; missing where nobody is asked. */
    approvals: approvalsSchema.exactOptional(),
  }),
  /** The exported variables of `Fetch source`. */
  variables: z.array(z.object({ Name: z.string(), Value: z.string() })),
});
type Event = z.infer<typeof eventSchema>;

type PlannedTarget = Plan['stages'][number]['targets'][number];

/** Objects written at the same time. */
const WRITES = 50;

/** Decides what to release, checks the whole configuration for it, and writes down what every bake will be told.
 *  In      { request: {} | { image } | { images, ref, branch, overrides }, execution: { id, name, startedAt }, bucket,
 *            deployed: { stages, defaultBranch, deprecatesAmis?, spotBuilders?, keepBuilders?, testAmis?, shareAmis?, copyAmis?, scanAmis?,
 *            approvals? },
 *            variables }
 *  Out     { tiers: [[{ release, source, plan: { bucket, prefix }, executionName }]] }, bases before what is built on them
 *  Errors  InvalidRequest (with an example of a correct one), InvalidConfiguration (file, line, path, what is allowed)
 *  Repeat  safe: writes the same objects again
 *  @see    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html */
export async function handler(event: unknown): Promise<{ tiers: PlannedRelease[][] }> {
  const { request: asked, execution, bucket, deployed, variables } = parseEvent(eventSchema, event);
  const request = parseRequest(asked);
  const fetched = readFetched(bucket, variables);
  const files = filesInZip(await readBytes(fetched.source));
  const { overrides } = request;
  const choice = request.images ?? (await whatChanged(files, fetched.changesKey, bucket));
  const configuration = await checkedConfiguration(files, {
    images: choice,
    ...(overrides && { overrides }),
  });
  throwIfAny(disagreements(configuration.factory, deployed));
  throwIfAny(builderSwitchProblems(configuration, choice, deployed, overrides));
  throwIfAny(vulnerabilityProblems(configuration, choice, { scanner: deployed.scanAmis, overrides }));
  const basesOf = (image: string) => baseImages(configuration, image, overrides);
  const tiers = imagesInTiers(choice, basesOf);
  const releases = new Map(
    choice.map((image) => [image, releaseOf(configuration, image, fetched, execution.startedAt)]),
  );
  return {
    tiers: await Promise.all(
      tiers.map((tier) =>
        Promise.all(tier.map((image) => planRelease(configuration, releases, image, overrides))),
      ),
    ),
  };

  async function planRelease(
    within: Configuration,
    all: ReadonlyMap<string, Release>,
    image: string,
    changes: ChosenRequest['overrides'],
  ): Promise<PlannedRelease> {
    const release = all.get(image);
    if (!release) throw new Error(`no release was made for ${image}`);
    const prefix = keys.planPrefix(execution.name, image);
    const name = executionName(release);
    const chosen = chosenImage(within.factory, image);
    const { template, packer } = chosen;
    const baked = await bakedTemplate(files, chosen);
    const { adopted } = baked;
    const planned: Plan = {
      release,
      branch: fetched.branch,
      requestArn: execution.id,
      ...(request.reason !== undefined && { reason: request.reason }),
      ...(request.startedBy !== undefined && { startedBy: request.startedBy }),
      ...(template !== undefined && { template }),
      ...(adopted && {
        adopted: { directory: adopted.overlay.directory, overlaySha256: adopted.sha256 },
      }),
      stages: [],
    };
    const stated = new Map<string, readonly Origin[]>();
    const copies = copiesOf(within, image, changes);
    const plannedTargets = new Map<string, PlannedTarget>();
    const tested: [Target, TestOfTarget][] = [];
    const scanned: (readonly [string, Judged])[] = [];
    const shared: (readonly [string, Consumers])[] = [];
    const writes: { key: string; document: unknown; metadata?: Readonly<Record<string, string>> }[] = [];
    // A prerelease is baked in the first stage only; the later ones keep their place, with nothing to do.
    for (const [index, { name: stage, targets }] of within.factory.stages.entries()) {
      const bakedIn = release.prerelease && index > 0 ? [] : targets;
      planned.stages.push({
        name: stage,
        targets: bakedIn.map((target) => {
          const { settings, origins } = effectiveSettings(within, {
            image,
            stage,
            target,
            ...(changes && { overrides: changes }),
          });
          stated.set(targetName(target), origins);
          const how = testOf(settings);
          if (how) tested.push([target, how]);
          if (settings.vulnerabilities) scanned.push([targetName(target), settings.vulnerabilities]);
          // A prerelease is for nobody but whoever develops it.
          const consumers = release.prerelease ? undefined : consumersBesides(target, settings);
          if (consumers) shared.push([targetName(target), consumers]);
          const told = packerVariables({
            release,
            stage,
            target,
            settings,
            execution: releaseExecutionArn(execution.id, name),
          });
          const hasSecrets = Object.keys(told.secrets).length > 0;
          const choices = builderChoices(settings);
          const toPacker = packer ? adoptedVariables(told.variables, packer) : told.variables;
          writes.push({
            key: keys.packerVariables(prefix, target),
            document: toPacker,
            metadata: {
              ...(template !== undefined && takesTemplate(template)),
              ...(adopted && hasOverlay(adopted.sha256)),
              ...(hasSecrets && HAS_SECRETS),
              ...(choices && HAS_BUILDER_CHOICES),
            },
          });
          if (adopted) writes.push({ key: keys.overlay(prefix, target), document: adopted.overlay });
          if (choices) writes.push({ key: keys.builderChoices(prefix, target), document: choices });
          if (hasSecrets) writes.push({ key: keys.packerSecrets(prefix, target), document: told.secrets });
          const { architecture, timeoutMinutes, deprecateAfterDays } = settings;
          if (deprecateAfterDays !== undefined && deployed.deprecatesAmis !== true)
            throw notDeployed('deprecateAfterDays', origins);
          const source = copies.get(targetName(target));
          // A copy is what its source was asked to be.
          const copied = source && plannedTargets.get(targetName(source.target));
          const made: PlannedTarget = {
            ...target,
            sourceAmi: copied?.sourceAmi ?? pinBase(settings.source, all),
            architecture: copied?.architecture ?? architecture,
            asked: copied?.asked ?? askedOfBake(chosen, baked, settings, toPacker),
            timeoutMinutes,
            ...(deprecateAfterDays !== undefined && { deprecateAfterDays }),
            ...(source && {
              copy: {
                from: { ...source.target, stage: source.stage },
                kmsKeyId: settings.kmsKeyId,
                tags: told.tags,
              },
            }),
          };
          plannedTargets.set(targetName(target), made);
          return made;
        }),
      });
    }
    planned.configuration = statedSettings(stated);
    writes.push({ key: keys.plan(prefix), document: planned });
    const tests = testPlan(files, chosen, release, tested);
    if (tests) writes.push({ key: keys.tests(prefix), document: tests });
    if (scanned.length > 0) {
      const document: ScanPlan = { judged: inGroups(scanned) };
      writes.push({ key: keys.scan(prefix), document });
    }
    if (shared.length > 0) {
      const document: ConsumerPlan = { consumers: inGroups(shared) };
      writes.push({ key: keys.consumers(prefix), document });
    }
    await pMap(writes, ({ key, document, metadata }) => writeJson({ bucket, key }, document, metadata), {
      concurrency: WRITES,
    });
    const deprecates = planned.stages.some(({ targets }) =>
      targets.some(({ deprecateAfterDays }) => deprecateAfterDays !== undefined),
    );
    return {
      release,
      source: fetched.source,
      plan: {
        bucket,
        prefix,
        ...(deprecates && { deprecates }),
        ...(shared.length > 0 && { shares: true as const }),
      },
      executionName: name,
    };
  }
}

/** The account that holds an AMI may launch it anyhow. */
function consumersBesides(
  { accountId }: Target,
  { consumers }: Pick<Settings, 'consumers'>,
): Consumers | undefined {
  if (!consumers) return undefined;
  const { accounts, ...organised } = consumers;
  const others = accounts?.filter((account) => account !== accountId) ?? [];
  const besides = { ...organised, ...(others.length > 0 && { accounts: others }) };
  return launchPermissions(besides).length > 0 ? besides : undefined;
}

/** A setting that needs a permission which the deployed roles lack: it would fail when every target is baked. */
function notDeployed(setting: string, origins: readonly Origin[]): InvalidConfiguration {
  const from = origins.find((origin) => origin.setting === setting)?.from;
  const { file = OVERRIDES, line = 0, path = setting } = from ?? {};
  return new InvalidConfiguration([
    problem(
      file,
      line,
      [path],
      'found a value, but what is deployed may not do that: deploy a commit that has the setting in a layer, hub and targets, first',
    ),
  ]);
}

/**
 * The state machines have a state per stage, and who may publish `latest` must not be decided by a branch: a commit whose
 * factory.yaml differs in these is refused until it is deployed.
 */
function disagreements(factory: Factory, deployed: Event['deployed']): Problem[] {
  const stages = factory.stages.map(({ name }) => name).join(', ');
  const refuse = (path: string, found: string, allowed: string) =>
    problem(FACTORY_FILE, 0, [path], `found ${found}, but ${allowed} is deployed: deploy this commit first`);
  return [
    ...(stages === deployed.stages.join(', ') ? [] : [refuse('stages', stages, deployed.stages.join(', '))]),
    ...(factory.defaultBranch === deployed.defaultBranch
      ? []
      : [refuse('defaultBranch', factory.defaultBranch, deployed.defaultBranch)]),
    ...approvalDisagreements(approvalsOf(factory), deployed.approvals ?? {}, refuse),
  ];
}

/** What is deployed is asked for, whatever a commit says; one that wants more than that must not be released with less. */
const approvalDisagreements = (
  wanted: Approvals,
  deployed: Approvals,
  refuse: (path: string, found: string, allowed: string) => Problem,
): Problem[] =>
  Object.entries(wanted).flatMap(([stage, approval]) =>
    isDeepStrictEqual(approval, deployed[stage])
      ? []
      : [
          refuse(
            'stages',
            `an approval of ${stage}, ${JSON.stringify(approval)}`,
            deployed[stage] ? JSON.stringify(deployed[stage]) : 'none',
          ),
        ],
  );

/** A base that is released in the same execution is used at exactly the version it is about to get. */
function pinBase(
  source: Plan['stages'][number]['targets'][number]['sourceAmi'],
  releases: ReadonlyMap<string, Release>,
): Plan['stages'][number]['targets'][number]['sourceAmi'] {
  if (!('image' in source) || source.version !== undefined) return source;
  const base = releases.get(source.image);
  return base ? { ...source, version: base.version, sameExecution: true } : source;
}

interface Fetched {
  readonly source: Source;
  readonly commit: string;
  readonly branch: string;
  readonly changesKey: string;
}

function readFetched(bucket: string, variables: Event['variables']): Fetched {
  const values = new Map(variables.map(({ Name, Value }) => [Name, Value]));
  const exported = (name: string): string => {
    const value = values.get(name);
    if (value === undefined || value === '')
      throw new Error(`the build of ${NAMES.fetchSourceProject} exported no ${name}`);
    return value;
  };
  return {
    source: { bucket, key: exported(FETCH_SOURCE.key), sha256: exported(FETCH_SOURCE.sha256) },
    commit: exported(FETCH_SOURCE.commit),
    branch: exported(FETCH_SOURCE.branch),
    changesKey: exported(FETCH_SOURCE.changesKey),
  };
}

async function whatChanged(files: Files, changesKey: string, bucket: string): Promise<string[]> {
  const configuration = loadConfiguration(configurationFiles(files));
  const changes = changesSchema.parse(await readJson({ bucket, key: changesKey }));
  const revoked = await builtOnRevoked(bucket, configuration);
  return imagesToRelease(configuration, {
    ...changes,
    ...Object.fromEntries(revoked.map((image) => [image, { since: null, files: [] }])),
  });
}

function releaseOf(
  { factory }: Configuration,
  image: string,
  { commit, branch }: Fetched,
  startedAt: string,
): Release {
  const { defaultBranch, images, repository } = factory;
  const majorMinor = images.find(({ name }) => name === image)?.version ?? '';
  const version = releaseVersion({ majorMinor, startedAt, branch, defaultBranch });
  return {
    releaseId: `${image}@${version}`,
    image,
    version,
    commit,
    repository,
    prerelease: branch !== defaultBranch,
  };
}
