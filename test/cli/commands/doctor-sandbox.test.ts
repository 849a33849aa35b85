import { KMSClient } from '@aws-sdk/client-kms';
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, test } from 'vitest';
import { examineFactory } from '../../../cli/commands/doctor/examine.ts';
import { bindSandbox } from '../../../sandbox/bind.ts';
import { createSandbox } from '../../../sandbox/rehearsal/seed.ts';
import { forgetClients } from '../../../core/aws/clients.ts';
import { checkedOut, filesOf } from '../../fixtures/factories.ts';
import { targetsIn, HUB } from '../../fixtures/accounts.ts';

test('the steward of every target is looked with, and nothing is left behind', async () => {
  // The sandbox has none of these, and a test must not reach the network.
  const absent = new Error('not there');
  mockClient(KMSClient).rejects(absent);
  mockClient(ServiceQuotasClient).rejects(absent);
  const stages = { dev: targetsIn(0, 1), prod: targetsIn(1, 2, 'eu-central-1') };
  const targets = [...stages.dev, ...stages.prod];
  const sandbox = createSandbox({ hub: HUB, targets });
  const unbind = bindSandbox(sandbox);
  forgetClients();
  const parameters = () =>
    targets.map(({ accountId, region }) => [...sandbox.world.region(accountId, region).parameters.keys()]);
  const before = parameters();
  try {
    const findings = await examineFactory({ files: checkedOut(filesOf({ stages })).files });
    const outcomes = (name: string) =>
      findings.filter(({ check }) => check === name).map(({ outcome }) => outcome);
    expect(outcomes('role packleader-steward')).toEqual(['ok', 'ok', 'ok']);
    expect(outcomes('parameters')).toEqual(['ok', 'ok', 'ok']);
    expect(outcomes('AMIs')).toEqual(['not checked', 'not checked', 'not checked']);
    const changes = sandbox.calls.filter(({ mutating }) => mutating);
    expect(
      changes.map(({ role, operation }) => `${role} ${operation}`).filter((call) => call.includes('Put')),
    ).toEqual(targets.map(() => 'packleader-steward PutParameter'));
    expect(changes).toHaveLength(2 * targets.length);
    expect(parameters()).toEqual(before);
  } finally {
    unbind();
    forgetClients();
  }
});
