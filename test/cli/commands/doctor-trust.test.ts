import { describe, expect, test } from 'vitest';
import { whyNotTrusted } from '../../../cli/commands/doctor/trust.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { trustOf } from './doctor-world.ts';

describe('a trust policy', () => {
  test.each(['packleader-steward', 'packleader-orchestrator', 'packleader-bake'])(
    'of %s is understood',
    (role) => {
      expect(whyNotTrusted(role, trustOf(role), HUB)).toBeUndefined();
    },
  );

  test.each([
    ['packleader-steward', 'no JSON', 'cannot be read'],
    ['packleader-steward', trustOf('packleader-bake'), 'does not let in the hub'],
    ['packleader-steward', trustOf('packleader-steward').replace('Allow', 'Deny'), 'does not let in the hub'],
    ['packleader-bake', trustOf('packleader-steward'), 'does not let in CodeBuild'],
    ['packleader-orchestrator', trustOf('packleader-steward'), 'does not ask for the external id'],
  ])('fails for %s with %s', (role, document, why) => {
    expect(whyNotTrusted(role, document, HUB)).toContain(why);
  });
});
