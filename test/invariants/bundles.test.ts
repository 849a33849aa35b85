import { App } from 'aws-cdk-lib';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { HubStack } from '../../workflow/hub/hub-stack.ts';
import { ownFactory } from '../fixtures/factories.ts';

const LARGEST_BYTES = 1_200_000;

const functionsSchema = z
  .object({ Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })) })
  .transform(({ Resources }) =>
    Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function'),
  );
const functionSchema = z.object({
  FunctionName: z.string(),
  Handler: z.string(),
  /** What is only known once the stack is deployed is of no use to a bundle that is being loaded. */
  Environment: z.object({ Variables: z.record(z.string(), z.string().catch('of the stack')) }).optional(),
  Code: z.object({ S3Key: z.string() }),
});

describe('every bundle of the hub, as CDK makes it for deployment', () => {
  // Outside the repository: nothing that a bundle forgot can be found in node_modules here.
  const directory = mkdtempSync(join(tmpdir(), 'packleader-bundles-'));
  let functions: { name: string; handler: string; environment: Record<string, string>; asset: string }[] = [];

  beforeAll(() => {
    const factory = ownFactory();
    const { accountId: account, region } = factory.hub;
    const app = new App({ outdir: directory, analyticsReporting: false });
    const stack = new HubStack(app, 'hub', {
      factory,
      env: { account, region },
      webhookSecret: 'packleader/webhook',
    });
    functions = functionsSchema
      .parse(app.synth().getStackArtifact(stack.artifactId).template)
      .map(({ Properties }) => {
        const { FunctionName, Handler, Environment, Code } = functionSchema.parse(Properties);
        const asset = join(directory, `asset.${Code.S3Key.replace(/\.zip$/, '')}`);
        return { name: FunctionName, handler: Handler, environment: Environment?.Variables ?? {}, asset };
      });
  }, 60_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('is a bundle of its own, of the triggers as of the tasks', () => {
    expect(functions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['packleader-plan-releases', 'packleader-git-push']),
    );
    expect(new Set(functions.map(({ asset }) => asset)).size).toBe(functions.length);
  });

  it(`has at most ${LARGEST_BYTES} bytes of code, and a source map`, () => {
    for (const { name, asset } of functions) {
      expect(readdirSync(asset).sort(), name).toEqual(['index.mjs', 'index.mjs.map']);
      expect(statSync(join(asset, 'index.mjs')).size, name).toBeLessThanOrEqual(LARGEST_BYTES);
    }
  });

  it('loads in a process of its own, with nothing installed, and has the handler that the function names', () => {
    for (const { name, asset, handler, environment } of functions) {
      const [file, exported] = handler.split('.');
      const program = `import * as task from ${JSON.stringify(join(asset, `${file}.mjs`))}; process.stdout.write(typeof task[${JSON.stringify(exported)}]);`;
      const { stdout, stderr } = spawnSync(
        process.execPath,
        ['--input-type=module', '--disable-warning=ExperimentalWarning', '--eval', program],
        { cwd: directory, encoding: 'utf8', env: environment },
      );
      expect({ name, stdout, stderr }).toEqual({ name, stdout: 'function', stderr: '' });
    }
  });
});
