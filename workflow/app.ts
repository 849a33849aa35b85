import { App } from 'aws-cdk-lib';
import { checkedConfiguration } from '../core/templates/check.ts';
import { downloadProblem } from '../core/templates/downloads.ts';
import { throwIfAny } from '../core/configuration/documents/problems.ts';
import { builderSwitchProblems } from '../core/configuration/builder-switches.ts';
import { accountsOf } from '../core/configuration/factory.ts';
import { commitStatusProblem } from '../core/configuration/commit-status.ts';
import { retentionRules } from '../core/configuration/retention-rules.ts';
import { STACKS } from '../core/contract/names.ts';
import { deploymentOf, factoryOf, hubAlarms } from './context.ts';
import { HubStack } from './hub/hub-stack.ts';
import { saidPlainly } from './said-plainly.ts';
import { TargetStack } from './target/target-stack.ts';
import { warnOfUnreachableBuilders } from './target/unreachable-builders.ts';

await saidPlainly(async () => {
  const app = new App();
  const { settings, refused } = deploymentOf(app);
  const { files, path: factoryPath } = factoryOf(app);
  const configuration = await checkedConfiguration(files, {});
  const { factory } = configuration;
  const { repositoryTokenSecret, webhookSecret, organizationId, customerKey, alarms } = settings;
  const { spotBuilders, keepBuilders, testAmis, shareAmis, copyAmis, scanAmis } = settings;
  const { packer, sessionManagerPlugin, pluginTokenSecret, bakeVpcs = {}, notify, commitStatus } = settings;
  const { plugins, downloads, staleAfterDays } = settings;
  throwIfAny(
    builderSwitchProblems(
      configuration,
      factory.images.map(({ name }) => name),
      settings,
    ),
  );
  const missed = await downloadProblem(settings, files, factory.images);
  if (missed) throw refused(missed.path, missed.message);
  const accounts = accountsOf(factory);
  const retention = settings.retire === true ? retentionRules(configuration) : undefined;
  if (retention && Object.keys(retention).length === 0)
    throw refused(
      ['retire'],
      'is true, but no image has a retention in every stage and target: set retention in config/default.yaml, or in the layers of an image',
    );
  const unshown = commitStatus && commitStatusProblem(commitStatus, factory);
  if (unshown) throw refused(['commitStatus', ...unshown.path], unshown.message);
  const stages = factory.stages.map(({ name }) => name);
  for (const [index, stage] of (notify?.stages ?? []).entries()) {
    if (!stages.includes(stage))
      throw refused(
        ['notify', 'stages', index],
        `found ${JSON.stringify(stage)}, must be a stage of factory.yaml: ${stages.join(', ')}`,
      );
  }
  for (const accountId of Object.keys(bakeVpcs)) {
    if (!accounts.includes(accountId))
      throw refused(
        ['bakeVpcs', accountId],
        `names the account ${accountId}, which has no target; targets are in ${accounts.join(', ')}`,
      );
  }

  new HubStack(app, STACKS.hub, {
    factory,
    factoryPath,
    ...(packer && { packer }),
    env: { account: factory.hub.accountId, region: factory.hub.region },
    ...(repositoryTokenSecret !== undefined && { repositoryTokenSecret }),
    ...(pluginTokenSecret !== undefined && { pluginTokenSecret }),
    ...(plugins && { plugins }),
    ...(downloads !== undefined && { downloads }),
    ...(webhookSecret !== undefined && { webhookSecret }),
    ...(alarms && { alarms: hubAlarms(alarms) }),
    ...(organizationId !== undefined && { organizationId }),
    ...(customerKey !== undefined && { customerKey }),
    ...(spotBuilders !== undefined && { spotBuilders }),
    ...(keepBuilders !== undefined && { keepBuilders }),
    ...(testAmis !== undefined && { testAmis }),
    ...(shareAmis !== undefined && { shareAmis }),
    ...(copyAmis !== undefined && { copyAmis }),
    ...(scanAmis !== undefined && { scanAmis }),
    ...(retention && { retention }),
    ...(notify && { notify }),
    ...(commitStatus && { commitStatus }),
    ...(staleAfterDays !== undefined && { staleAfterDays }),
  });
  for (const accountId of accounts) {
    const bakeVpc = bakeVpcs[accountId];
    const stack = new TargetStack(app, STACKS.target(accountId), {
      factory,
      accountId,
      ...(packer && { packer }),
      ...(sessionManagerPlugin && { sessionManagerPlugin }),
      ...(pluginTokenSecret !== undefined && { pluginTokenSecret }),
      ...(plugins && { plugins }),
      ...(downloads !== undefined && { downloads }),
      ...(bakeVpc && { bakeVpc }),
      ...(customerKey !== undefined && { customerKey }),
      ...(spotBuilders !== undefined && { spotBuilders }),
      ...(keepBuilders !== undefined && { keepBuilders }),
      ...(testAmis !== undefined && { testAmis }),
      ...(copyAmis !== undefined && { copyAmis }),
      retires: retention !== undefined,
    });
    warnOfUnreachableBuilders(stack, configuration, {
      accountId,
      hasPlugin: sessionManagerPlugin !== undefined,
      hasVpc: bakeVpc !== undefined,
    });
  }
});
