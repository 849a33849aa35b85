import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ownFactory } from '../../fixtures/factories.ts';
import { target } from '../../fixtures/synthesised.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const directory = mkdtempSync(join(tmpdir(), 'packleader-target-template-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const resourcesSchema = z.record(z.string(), z.looseObject({ Type: z.string() }));
const templateSchema = z.looseObject({
  Parameters: z.record(z.string(), z.unknown()),
  Resources: resourcesSchema,
});

describe('the template of the target stack for any account', () => {
  execFileSync(process.execPath, ['workflow/target-template.ts'], {
    cwd: ROOT,
    stdio: 'ignore',
    env: {
      ...process.env,
      CDK_OUTDIR: directory,
      CDK_CONTEXT_JSON: JSON.stringify({ 'packleader:customerKey': true }),
    },
  });
  const text = readFileSync(join(directory, 'packleader-target.template.json'), 'utf8');
  const template = templateSchema.parse(JSON.parse(text));

  it('fits into a StackSet as it is, and asks for nothing but regions: no bootstrap, no asset', () => {
    expect(text.length).toBeLessThan(51_200);
    expect(template.Parameters).toEqual({
      Regions: {
        Type: 'CommaDelimitedList',
        Default: 'eu-west-1',
        Description: 'The regions of the targets in the account. Its bakes may touch no other.',
      },
    });
    expect(template['Rules']).toBeUndefined();
    expect(text).not.toContain('cdk-hnb659fds');
  });

  it('names no account but the hub’s', () => {
    expect([...new Set(text.match(/\b\d{12}\b/g))]).toEqual(['999999999999']);
  });

  it('holds what the stack of one account holds', () => {
    const types = (all: readonly string[]) => all.toSorted();
    expect(types(Object.values(template.Resources).map(({ Type }) => Type))).toEqual(
      types(
        target({ factory: ownFactory(), accountId: '111111111111', customerKey: true }).resources.map(
          ({ type }) => type,
        ),
      ),
    );
  });
});

describe('a target in the hub’s own account', () => {
  it('may follow builds by the rule that AWS manages; one elsewhere has no such rule', () => {
    const factory = ownFactory();
    const actions = (accountId: string) =>
      target({ factory, accountId })
        .roles()
        .filter(({ name }) => name === 'packleader-orchestrator')
        .flatMap(({ statements }) => statements.flatMap(({ Action }) => Action))
        .filter((action) => action.startsWith('events:'));
    expect(actions(factory.hub.accountId)).toEqual([
      'events:DescribeRule',
      'events:PutRule',
      'events:PutTargets',
    ]);
    expect(actions('111111111111')).toEqual([]);
  });
});
