/**
 * Runs cfn-lint over every template that packleader can make: `npm run check:cfn`. Needs python3 with venv; installs cfn-lint once.
 * Ends with 1 when there is a finding, and with 2 when the check itself could not be made.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CACHE, pythonEnvironment } from './python.ts';

const ROOT = join(import.meta.dirname, '..');

/** CDK writes a DependsOn for a role although the reference to it would do; it is redundant, and not wrong. */
const IGNORED = ['W3005'];

/** What can be switched on makes other templates. */
const VARIANTS: Record<string, Record<string, unknown>> = {
  plain: {},
  full: {
    'packleader:packer': { version: '1.14.2', sha256: 'a'.repeat(64) },
    'packleader:sessionManagerPlugin': { version: '1.2.0.0', sha256: 'a'.repeat(64) },
    'packleader:repositoryTokenSecret': 'git/images',
    'packleader:pluginTokenSecret': 'packleader/github',
    'packleader:plugins': [
      {
        source: 'github.com/hashicorp/amazon',
        version: '1.3.2',
        url: 'https://github.com/hashicorp/packer-plugin-amazon/releases/download/v1.3.2/packer-plugin-amazon_v1.3.2_x5.0_linux_arm64.zip',
        sha256: 'a'.repeat(64),
      },
    ],
    'packleader:downloads': 'bucket',
    'packleader:webhookSecret': 'packleader/webhook',
    'packleader:organizationId': 'o-a1b2c3d4e5',
    'packleader:customerKey': true,
    'packleader:testAmis': true,
    'packleader:copyAmis': true,
    'packleader:notify': {},
    'packleader:commitStatus': {
      provider: 'github',
      tokenSecret: 'packleader/status',
      apiUrl: 'https://git.example.com/api/v3',
    },
    'packleader:bakeVpcs': {
      '111111111111': {
        vpcId: 'vpc-0d0e0f00000000001',
        subnetIds: ['subnet-0d0e0f00000000001'],
        securityGroupIds: ['sg-0d0e0f00000000001'],
      },
    },
  },
};
const APPS = ['workflow/app.ts', 'workflow/target-template.ts'];

const directory = mkdtempSync(join(tmpdir(), 'packleader-cfn-'));
try {
  process.exitCode = check();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function check(): number {
  const scheduled = scheduledFactory();
  for (const [name, context] of Object.entries(VARIANTS))
    for (const [index, app] of APPS.entries()) {
      const factory = name === 'full' ? { factory: scheduled } : {};
      synthesise(app, join(directory, `${name}-${index}`), { ...context, ...factory });
    }
  const synthesised = globSync(join(directory, '*', '*.template.json'));
  if (synthesised.length < Object.keys(VARIANTS).length * APPS.length)
    throw new Error(`Only ${synthesised.length} templates were synthesised.`);
  const examples = globSync(join(ROOT, 'docs', 'examples', 'consuming', '*.yaml'));
  if (examples.length === 0) throw new Error('No example was found.');
  const templates = [...synthesised, ...examples];
  const { status, stdout, stderr } = lint(templates);
  process.stdout.write(`${stdout}${stderr}`);
  if (status === null) throw new Error('cfn-lint was ended by a signal.');
  process.stdout.write(
    status === 0
      ? `cfn-lint: ${templates.length} templates, no findings\n`
      : `cfn-lint: findings in some of ${templates.length} templates (exit status ${status})\n`,
  );
  return status === 0 ? 0 : 1;
}

/** This repository's own factory, with a schedule and with branches that start releases, as none is shipped. */
function scheduledFactory(): string {
  const factory = join(directory, 'factory');
  cpSync(join(ROOT, 'packer'), factory, { recursive: true });
  const schedule = '{ cron: 0 4 ? * MON *, timeZone: Europe/Berlin, when: newer-source-ami }';
  appendFileSync(join(factory, 'images', 'linux-base', 'image.yaml'), `\nschedule: ${schedule}\n`);
  appendFileSync(join(factory, 'factory.yaml'), '\npushBranches: [main, release/*]\n');
  return factory;
}

/** As the CDK CLI would, but without bundling: no template holds code. */
function synthesise(app: string, output: string, context: Record<string, unknown>): void {
  execFileSync(process.execPath, [app], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      CDK_OUTDIR: output,
      CDK_CONTEXT_JSON: JSON.stringify({ 'aws:cdk:bundling-stacks': [], ...context }),
    },
  });
}

function lint(templates: readonly string[]) {
  const bin = pythonEnvironment(
    join(CACHE, 'cfn-lint'),
    join(import.meta.dirname, 'cfn-lint-requirements.txt'),
    () => process.stderr.write('Installing cfn-lint, once.\n'),
  );
  const { status, stdout, stderr, error } = spawnSync(
    join(bin, 'cfn-lint'),
    ['--ignore-checks', ...IGNORED, '--', ...templates],
    { encoding: 'utf8' },
  );
  if (error) throw error;
  return { status, stdout, stderr };
}
