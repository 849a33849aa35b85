import { App, Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { HubStack } from '../../workflow/hub/hub-stack.ts';
import { TargetStack } from '../../workflow/target/target-stack.ts';
import { ownFactory } from '../fixtures/factories.ts';

const factory = ownFactory();
const { accountId: account, region } = factory.hub;
const app = () => new App({ context: { 'aws:cdk:bundling-stacks': [] }, analyticsReporting: false });

/** With everything switched on that puts something into a template. */
const stacks: Record<string, (scope: App) => Stack> = {
  hub: (scope) =>
    new HubStack(scope, 'hub', {
      factory,
      env: { account, region },
      repositoryTokenSecret: 'git/images',
      pluginTokenSecret: 'packleader/github',
      customerKey: true,
    }),
  target: (scope) =>
    new TargetStack(scope, 'target', {
      factory,
      accountId: '111111111111',
      packer: { version: '1.14.2', sha256: 'a'.repeat(64) },
      pluginTokenSecret: 'packleader/github',
      customerKey: true,
    }),
};

/** What AWS's, GitHub's, GitLab's, Slack's and others' credentials look like, a private key, and an URL with a password. */
const CREDENTIALS =
  /\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{36}|\bgithub_pat_\w{22}|\bglpat-[\w-]{20}|\bxox[abpr]-\w|-----BEGIN [A-Z ]*PRIVATE KEY|:\/\/[^\s/:@"]+:[^\s/@"]+@/;

/** The name of a variable whose value must not be in a template. */
const SECRET_NAME = /secret|token|password|passphrase|credential|private.?key|access.?key|webhook.?key/i;

const isReference = (type: unknown) => type === 'SECRETS_MANAGER' || type === 'PARAMETER_STORE';

describe.each(Object.entries(stacks))('the template of the %s', (_, make) => {
  const scope = app();
  const stack = make(scope);
  const template: unknown = scope.synth().getStackArtifact(stack.artifactId).template;

  it('holds nothing that looks like a credential', () => {
    expect(CREDENTIALS.exec(JSON.stringify(template))).toBeNull();
  });

  it('gives no environment a secret, only the name of one that the service reads itself', () => {
    const variables = environments(template);
    expect(variables.length).toBeGreaterThan(0);
    expect(variables.filter(({ name, type }) => SECRET_NAME.test(name) && !isReference(type))).toEqual([]);
  });

  it('has no parameter for a secret, and no reference that CloudFormation would resolve into the template', () => {
    const { Parameters } = z
      .looseObject({ Parameters: z.record(z.string(), z.unknown()).default({}) })
      .parse(template);
    expect(Object.keys(Parameters).filter((name) => SECRET_NAME.test(name))).toEqual([]);
    expect(JSON.stringify(template)).not.toMatch(/\{\{resolve:(ssm-secure|secretsmanager)/);
  });
});

/** The variables of every Lambda function and CodeBuild project. */
function environments(template: unknown): { name: string; type: unknown }[] {
  const { Resources } = z
    .object({ Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })) })
    .parse(template);
  const lambdaSchema = z.looseObject({
    Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional(),
  });
  const projectSchema = z.looseObject({
    Environment: z.looseObject({
      EnvironmentVariables: z.array(z.looseObject({ Name: z.string(), Type: z.string() })).default([]),
    }),
  });
  return Object.values(Resources).flatMap(({ Type, Properties }) => {
    if (Type === 'AWS::Lambda::Function')
      return Object.keys(lambdaSchema.parse(Properties).Environment?.Variables ?? {}).map((name) => ({
        name,
        type: 'PLAINTEXT',
      }));
    if (Type === 'AWS::CodeBuild::Project')
      return projectSchema
        .parse(Properties)
        .Environment.EnvironmentVariables.map(({ Name, Type: type }) => ({ name: Name, type }));
    return [];
  });
}
