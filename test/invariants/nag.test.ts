import { App, Stack, Validations } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Factory } from '../../core/configuration/factory.ts';
import { HubStack } from '../../workflow/hub/hub-stack.ts';
import { TargetStack } from '../../workflow/target/target-stack.ts';
import { ownFactory, retentionOf } from '../fixtures/factories.ts';

const factory = ownFactory();
const { accountId: account, region } = factory.hub;

/** With whatever can start a release: a repository in CodeCommit, a webhook, and a schedule for every image. */
const everyTrigger: Factory = {
  ...factory,
  repository: 'codecommit://images',
  images: factory.images.map((image) => ({
    ...image,
    schedule: { rate: '7 days', timeZone: 'UTC', when: 'newer-source-ami' },
  })),
};

const reportSchema = z.object({
  pluginReports: z.array(
    z.object({
      violations: z.array(
        z.object({
          ruleName: z.string(),
          violatingConstructs: z.array(z.object({ constructPath: z.string() })),
        }),
      ),
    }),
  ),
});

/** Every finding of the AWS Solutions rules that nobody gave a reason for. */
function findings(make: (scope: App) => Stack): string[] {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false });
  make(app);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  try {
    app.synth();
  } catch {
    // Synthesis ends like this when there are findings; the report is written before.
  }
  const report = reportSchema.parse(
    JSON.parse(readFileSync(join(app.outdir, 'validation-report.json'), 'utf8')),
  );
  return report.pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => `${constructPath}: ${ruleName}`),
    ),
  );
}

const TELLING = {
  notify: {},
  commitStatus: { provider: 'github', tokenSecret: 'packleader/status' },
} as const;

describe('cdk-nag finds nothing that is not explained', () => {
  it.each([
    [{ factory: everyTrigger, customerKey: false }],
    [{ factory: everyTrigger, customerKey: true }],
    [{ factory, repositoryTokenSecret: 'git/images', pluginTokenSecret: 'packleader/github' }],
  ])('in the hub, whatever it is told: %#', (told) => {
    const retention = retentionOf(factory);
    const props = {
      ...told,
      env: { account, region },
      webhookSecret: 'packleader/webhook',
      retention,
      testAmis: true,
      shareAmis: true,
      copyAmis: true,
      scanAmis: { command: 'scan "$SBOM"' },
      ...TELLING,
    };
    expect(findings((scope) => new HubStack(scope, 'hub', props))).toEqual([]);
  });

  it.each([false, true])('in a target, with a key of its own: %s', (customerKey) => {
    const props = {
      factory,
      accountId: '111111111111',
      customerKey,
      retires: true,
      testAmis: true,
      copyAmis: true,
    };
    expect(findings((scope) => new TargetStack(scope, 'target', props))).toEqual([]);
  });

  it('in a target whose builds run in a VPC', () => {
    const bakeVpc = {
      vpcId: 'vpc-0a000001',
      subnetIds: ['subnet-0a000001'],
      securityGroupIds: ['sg-0a000001'],
    };
    const props = { factory, accountId: '111111111111', bakeVpc };
    expect(findings((scope) => new TargetStack(scope, 'target', props))).toEqual([]);
  });

  it.each([false, true])('in the template for any account, with a key of its own: %s', (customerKey) => {
    expect(findings((scope) => new TargetStack(scope, 'target', { factory, customerKey }))).toEqual([]);
  });

  it('fails for what nobody explained', () => {
    const found = findings((scope) => new Bucket(new Stack(scope, 'stack'), 'bucket').stack);
    expect(found).toEqual([
      'stack/bucket/Resource: AwsSolutions-S1',
      'stack/bucket/Resource: AwsSolutions-S10',
    ]);
  });
});
