import { App } from 'aws-cdk-lib';
import { strToU8, zipSync } from 'fflate';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { HubStack } from '../../workflow/hub/hub-stack.ts';
import { STAGES, filesOf, ownFactory, retentionOf } from '../fixtures/factories.ts';
import { SOUND_TEMPLATE } from '../fixtures/templates.ts';

const LARGEST_BYTES = 1_200_000;

const PLANS = 'packleader-plan-releases';

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

const addressSchema = z.object({ port: z.number() });

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
      retention: retentionOf(factory),
      notify: {},
      commitStatus: { provider: 'github', tokenSecret: 'packleader/status' },
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

  it('is a bundle of its own, of the triggers and of what tells of releases as of the tasks', () => {
    expect(functions.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['packleader-plan-releases', 'packleader-git-push', 'packleader-commit-status']),
    );
    expect(new Set(functions.map(({ asset }) => asset)).size).toBe(functions.length);
  });

  it(`has at most ${LARGEST_BYTES} bytes of code, and a source map`, () => {
    for (const { name, asset } of functions) {
      const shipped = name === PLANS ? ['tree-sitter-hcl.wasm', 'web-tree-sitter.wasm'] : [];
      expect(readdirSync(asset).sort(), name).toEqual(['index.mjs', 'index.mjs.map', ...shipped]);
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

  it('reads templates where it plans, with the parsers that lie beside it', async () => {
    const { asset = '' } = functions.find(({ name }) => name === PLANS) ?? {};
    const files = filesOf({ stages: STAGES });
    const unsound = SOUND_TEMPLATE.replace('ami_name        = var.ami_name', 'ami_name = "mine"');
    const zip = zipSync(
      Object.fromEntries(
        [...files, ['images/base/image.pkr.hcl', unsound] as const].map(([name, text]) => [
          name,
          strToU8(text),
        ]),
      ),
    );
    // S3 as far as the task asks it: every object is the zip.
    const s3 = createServer((_request, response) => response.end(zip)).listen(0, '127.0.0.1');
    await once(s3, 'listening');
    try {
      const { port } = addressSchema.parse(s3.address());
      const event = {
        request: { image: 'base' },
        execution: { id: 'run', name: 'run', startedAt: '2026-11-21T09:30:00.123Z' },
        bucket: 'hub',
        deployed: { stages: ['dev', 'prod'], defaultBranch: 'main' },
        variables: Object.entries({
          COMMIT: 'a'.repeat(40),
          BRANCH: 'main',
          SOURCE_KEY: 'sources/a.zip',
          SOURCE_SHA256: 'a'.repeat(64),
          CHANGES_KEY: 'sources/a.changes.json',
        }).map(([Name, Value]) => ({ Name, Value })),
      };
      const program = `import { handler } from ${JSON.stringify(join(asset, 'index.mjs'))};
        await handler(${JSON.stringify(event)}, {}).catch(({ name, message }) => process.stdout.write(\`\n\${name}: \${message}\`));`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '--eval', program],
        {
          cwd: directory,
          env: {
            AWS_REGION: 'eu-west-1',
            AWS_ACCESS_KEY_ID: 'a',
            AWS_SECRET_ACCESS_KEY: 'a',
            AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
          },
        },
      );
      expect(stdout.split('\n').at(-1)).toMatch(
        /^InvalidConfiguration: images\/base\/image.pkr.hcl:\d+ .*found "\\"mine\\"", must be var.ami_name/,
      );
    } finally {
      s3.close();
    }
  });
});
