import { describe, expect, it } from 'vitest';
import { keys } from '../../../core/contract/keys.ts';
import { permissionNoteSchema } from '../../../core/contract/permissions.ts';
import type { Fault } from '../../../sandbox/rehearsal/faults.ts';
import type { Image } from '../../../sandbox/aws/world.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { bucketName } from '../../../core/contract/names.ts';
import { HUB, targetsIn } from '../../fixtures/accounts.ts';
import { pathOf, rehearseFactory } from '../../fixtures/sandbox/rehearsing.ts';

const CONSUMER = '333333333333';
const THEIRS = '555555555555';
const ORGANIZATION = 'arn:aws:organizations::999999999999:organization/o-a1b2c3d4e5';
const UNIT = 'arn:aws:organizations::999999999999:ou/o-a1b2c3d4e5/ou-a1b2-f6g7h8i9';
const STAGES = { dev: targetsIn(0, 1), prod: targetsIn(1, 1) };
const [DEV] = STAGES.dev;
const CONSUMERS = { accounts: [CONSUMER], organizations: [ORGANIZATION], organizationalUnits: [UNIT] };

async function rehearsed(
  faults: readonly Fault[] = [],
  {
    consumers = CONSUMERS,
    branch = 'main',
    prepare,
  }: {
    readonly consumers?: typeof CONSUMERS;
    readonly branch?: string;
    readonly prepare?: (sandbox: Sandbox) => void;
  } = {},
) {
  const sandboxes: Sandbox[] = [];
  const report = await rehearseFactory(
    { stages: STAGES, consumers },
    {
      faults,
      branch,
      prepare: (sandbox) => {
        sandboxes.push(sandbox);
        prepare?.(sandbox);
      },
    },
  );
  const [sandbox] = sandboxes;
  if (!sandbox) throw new Error('nothing was rehearsed');
  const candidates = (): Image[] =>
    Object.values(STAGES)
      .flat()
      .flatMap(({ accountId, region }) => [...sandbox.world.region(accountId, region).images.values()])
      .filter(({ tags }) => tags.has('packleader:release'));
  const sharedWith = () =>
    candidates().map(({ launchPermissions: { users, organizations, units } }) => [
      ...users,
      ...organizations,
      ...units,
    ]);
  const notes = () =>
    [...(sandbox.world.buckets.get(bucketName({ hub: HUB }))?.objects ?? [])]
      .filter(([key]) => key.startsWith('permissions/'))
      .map(([key, { body }]) => ({
        key,
        note: permissionNoteSchema.parse(JSON.parse(new TextDecoder().decode(body))),
      }));
  return { report, sandbox, candidates, sharedWith, notes };
}

/** Lets somebody give a permission by hand as soon as there is an AMI. */
function byHand(who: string) {
  return (sandbox: Sandbox): void => {
    sandbox.intercept(async (call, next) => {
      if (call.operation === 'PutParameter' || call.operation === 'DescribeImageAttribute')
        for (const image of sandbox.world.region(DEV?.accountId ?? '', DEV?.region ?? '').images.values())
          if (image.tags.has('packleader:release')) image.launchPermissions.users.add(who);
      return next();
    });
  };
}

describe('consumers', () => {
  it('may launch every AMI once it is released, and the record of it is in the bucket', async () => {
    const { report, sharedWith, notes } = await rehearsed();
    expect(pathOf(report)).toMatch(/Publish release > Announce release > Released$/);
    expect(sharedWith()).toEqual([
      [CONSUMER, ORGANIZATION, UNIT],
      [CONSUMER, ORGANIZATION, UNIT],
    ]);
    expect(notes().map(({ key }) => key)).toEqual(
      [...STAGES.dev, ...STAGES.prod].map((target) =>
        keys.permissions('base', String(report.releases[0]?.version), target),
      ),
    );
  });

  it('may do so before they can find it', async () => {
    const seen: string[] = [];
    await rehearsed([], {
      prepare: (sandbox): void => {
        sandbox.intercept(async (call, next) => {
          if (
            ['ModifyImageAttribute', 'PutParameter'].includes(call.operation) &&
            call.role.includes('steward')
          )
            seen.push(call.operation);
          return next();
        });
      },
    });
    expect([...new Set(seen)]).toEqual(['ModifyImageAttribute', 'PutParameter']);
    expect(seen.lastIndexOf('ModifyImageAttribute')).toBeLessThan(seen.indexOf('PutParameter'));
  });

  it('are no reason to keep an AMI of a release that is rolled back', async () => {
    const { report, candidates, notes } = await rehearsed([
      { state: 'Publish release', kind: 'refused', accountId: STAGES.prod[0]?.accountId ?? '' },
    ]);
    expect(pathOf(report)).toMatch(/Withdraw publication > .* > Rolled back$/);
    expect(candidates()).toEqual([]);
    for (const { note } of notes()) expect(note.given).toEqual({ launch: [], volumes: {} });
  });

  it('are none either when taking back is refused: the AMI goes, and its permissions with it', async () => {
    const { report, candidates } = await rehearsed([
      { state: 'Publish release', kind: 'refused', accountId: STAGES.prod[0]?.accountId ?? '' },
      { state: 'Withdraw publication', kind: 'refused' },
    ]);
    expect(candidates()).toEqual([]);
    expect(pathOf(report)).toMatch(/Roll(ed back|back incomplete)$/);
  });

  it('lose exactly what they were given where somebody else has given something as well', async () => {
    const { report, sharedWith } = await rehearsed(
      [{ state: 'Publish release', kind: 'refused', accountId: STAGES.prod[0]?.accountId ?? '' }],
      { prepare: byHand(THEIRS) },
    );
    expect(pathOf(report)).toMatch(/Rollback incomplete$/);
    expect(sharedWith()).toEqual([[THEIRS]]);
    expect(report.releases[0]?.error?.cause).toContain(
      `quarantined: it is used by ${THEIRS}, which it is shared with`,
    );
  });

  it('are a thousand by two calls an AMI, with a look before, one after, and one whenever the state comes back', async () => {
    const accounts = Array.from({ length: 1_000 }, (_, index) => String(300_000_000_000 + index));
    const calls: string[] = [];
    const { sharedWith } = await rehearsed([], {
      consumers: { accounts, organizations: [], organizationalUnits: [] },
      prepare: (sandbox): void => {
        sandbox.intercept(async (call, next) => {
          if (/^(Describe|Modify)ImageAttribute$/.test(call.operation) && call.role.includes('steward'))
            calls.push(call.operation);
          return next();
        });
      },
    });
    expect(sharedWith()).toEqual([accounts, accounts]);
    const times = Map.groupBy(calls, (operation) => operation);
    // Of two AMIs; the state comes back twice, while SSM validates what it was told, and looks again.
    expect([...times].map(([operation, all]) => [operation, all.length])).toEqual([
      ['DescribeImageAttribute', 8],
      ['ModifyImageAttribute', 4],
    ]);
  });

  it('are not let launch a prerelease', async () => {
    const { sharedWith, notes } = await rehearsed([], { branch: 'feature/odd' });
    expect(sharedWith()).toEqual([[]]);
    expect(notes()).toEqual([]);
  });

  it('fail a release when EC2 knows one of them no more, which is rolled back and names it', async () => {
    const { report, candidates } = await rehearsed([], {
      prepare: ({ world }) => void world.closedAccounts.add(CONSUMER),
    });
    expect(pathOf(report)).toMatch(/Rolled back$/);
    expect(report.releases[0]?.error?.cause).toContain(
      `Invalid attribute item value "${CONSUMER}" for userId item type`,
    );
    expect(candidates()).toEqual([]);
  });
});
