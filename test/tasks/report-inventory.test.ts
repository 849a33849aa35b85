import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/report-inventory.ts';
import { DEV, PROD } from '../fixtures/accounts.ts';

const batch = { amis: 10, used: 4, unread: [], unreadCount: 0 };

describe('the report of an inventory', () => {
  it('adds up what the batches found', async () => {
    expect(await handler({ inventories: [batch, batch] })).toEqual({
      complete: true,
      amis: 20,
      used: 8,
      unreadCount: 0,
      cause: '8 of 20 AMIs are used.',
    });
  });

  it('is incomplete where a source could not be read, and where a batch came to no end', async () => {
    const unread = { ...DEV, resourceId: 'AMIs', why: 'instances: AccessDenied: no' };
    const report = await handler({
      inventories: [
        { ...batch, unread: [unread], unreadCount: 1 },
        { targets: [PROD], failure: { Error: 'Sandbox.Timedout' } },
      ],
    });
    expect(report).toMatchObject({ complete: false, amis: 10, unreadCount: 2 });
    expect(report.cause).toBe(
      [
        '4 of 10 AMIs are used.',
        'What is unused cannot be told in 2 targets, so nothing is retired anywhere:',
        '  111111111111/eu-west-1: instances: AccessDenied: no',
        '  222222222222/us-east-1: Sandbox.Timedout',
      ].join('\n'),
    );
  });

  it('counts what it has no room to name', async () => {
    const report = await handler({ inventories: [{ ...batch, unreadCount: 40 }] });
    expect(report.cause).toContain('  and 10 more');
  });
});
