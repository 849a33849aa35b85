import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { TargetStack } from '../../../workflow/target/target-stack.ts';
import {
  type BakesOfAccount,
  warnOfUnreachableBuilders,
} from '../../../workflow/target/unreachable-builders.ts';
import { factoryWith } from '../../core/configuration/example.ts';
import { Synthesised } from '../../fixtures/synthesised.ts';

const REACHED: BakesOfAccount = { accountId: '111111111111', hasPlugin: true, hasVpc: true };

function warnings(changes: Readonly<Record<string, string>>, bakes: Partial<BakesOfAccount>): string[] {
  const configuration = loadConfiguration(factoryWith(changes));
  const { factory } = configuration;
  return new Synthesised((app) => {
    const stack = new TargetStack(app, 'target', {
      factory,
      accountId: REACHED.accountId,
      packer: { version: '1.14.2', sha256: 'a'.repeat(64) },
    });
    warnOfUnreachableBuilders(stack, configuration, { ...REACHED, ...bakes });
    return stack;
  }).warnings.filter((one) => !one.includes('feature flag'));
}

describe('synthesising a target whose bakes would wait for a builder in vain', () => {
  it('says nothing when all of them can be reached', () => {
    expect(warnings({}, {})).toEqual([]);
  });

  it('names the Linux images that need the plugin of Session Manager, and only those', () => {
    const [warning, ...more] = warnings(
      { 'images/web/config/default.yaml': 'source: { image: base }\nsshInterface: private_ip\n' },
      { hasPlugin: false },
    );
    expect(warning).toContain('The builders of base are reached by Session Manager');
    expect(warning).toContain('packleader:sessionManagerPlugin');
    expect(more).toEqual([]);
  });

  it('names the Windows images that need a VPC, unless they are reached at a public address', () => {
    const [warning, ...more] = warnings({}, { hasVpc: false });
    expect(warning).toContain('The Windows builders of desktop are reached at a private address');
    expect(warning).toContain('for the builds of 111111111111');
    expect(more).toEqual([]);
    const reached = { 'images/desktop/config/dev.yaml': 'variables: { winrm_interface: public_ip }\n' };
    expect(warnings(reached, { hasVpc: false })).toEqual([]);
  });
});
