import { afterEach, describe, expect, test, vi } from 'vitest';
import { fetchOnce, toolChecks } from '../../../cli/commands/doctor/bakes/pinned-tools.ts';
import { examinedTargets } from '../../../cli/commands/doctor/bakes/planned-bakes.ts';
import { examineAll } from '../../../cli/commands/doctor/finding.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { filesOf } from '../../fixtures/factories.ts';
import { PINNED, projectNamed, servers } from './doctor-world.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const PACKER = 'https://releases.hashicorp.com/packer/1.14.2/packer_1.14.2_linux_arm64.zip';
const PLUGIN =
  'https://s3.amazonaws.com/session-manager-downloads/plugin/1.2.707.0/linux_arm64/session-manager-plugin.rpm';

/** What is found of an account whose project pins this. */
async function examine({
  pinned = PINNED,
  yaml = 'sshInterface: session_manager',
  fetchTool = fetchOnce(),
}: {
  readonly pinned?: Readonly<Record<string, string>>;
  readonly yaml?: string;
  readonly fetchTool?: ReturnType<typeof fetchOnce>;
} = {}) {
  const files = new Map([...filesOf({ stages: { dev: [DEV] } }), ['config/dev.yaml', yaml] as const]);
  const bakes = examinedTargets(loadConfiguration(files)).flatMap((target) => target.bakes);
  const project = Promise.resolve(projectNamed('packleader-bake', pinned));
  const findings = await examineAll(DEV.accountId, toolChecks(DEV.accountId, bakes, project, fetchTool));
  return findings.map(({ check, outcome, why }) => `${outcome} ${check}: ${why}`);
}

describe('what the project pins', () => {
  test('is well when it is where a bake fetches it, with the SHA-256; once for all accounts', async () => {
    const asked = servers();
    const fetchTool = fetchOnce();
    const well = [
      `ok Packer: ${PACKER} has the SHA-256 that is pinned`,
      `ok Session Manager plugin: ${PLUGIN} has the SHA-256 that is pinned`,
    ];
    expect(await Promise.all([examine({ fetchTool }), examine({ fetchTool })])).toEqual([well, well]);
    expect(asked).toEqual([PACKER, PLUGIN]);
  });

  test('fails with another SHA-256', async () => {
    servers(() => new Response('another program'));
    expect(await examine()).toEqual([
      expect.stringMatching(/^failed Packer: \S+ has the SHA-256 [0-9a-f]{64}, and [0-9a-f]{64} is pinned$/),
      expect.stringMatching(/^failed Session Manager plugin: /),
    ]);
  });

  test.each([403, 404])('fails when the server answers %i', async (status) => {
    servers(() => new Response('none', { status }));
    expect((await examine())[0]).toBe(`failed Packer: there is no ${PACKER} (${status})`);
  });

  test('could not be looked at when the server fails, or cannot be reached', async () => {
    servers(() => new Response('later', { status: 503 }));
    expect((await examine())[0]).toBe(`not checked Packer: ${PACKER} answers with 503`);
    servers(() => {
      throw new TypeError('fetch failed', { cause: new Error('getaddrinfo ENOTFOUND') });
    });
    expect((await examine())[0]).toBe(
      `not checked Packer: ${PACKER} cannot be fetched: getaddrinfo ENOTFOUND`,
    );
  });

  test('fails when nothing is pinned, and asks for the plugin only where a builder is reached by it', async () => {
    const asked = servers();
    expect(await examine({ pinned: {} })).toEqual([
      `failed Packer: the project of ${DEV.accountId} pins no Packer, and CodeBuild’s image has none`,
      `failed Session Manager plugin: the project of ${DEV.accountId} pins no Session Manager plugin, by which the builders of base are reached`,
    ]);
    expect((await examine({ pinned: {}, yaml: 'sshInterface: public_ip' }))[1]).toBe(
      'ok Session Manager plugin: not pinned, and no builder is reached through it',
    );
    expect(asked).toEqual([]);
  });
});
