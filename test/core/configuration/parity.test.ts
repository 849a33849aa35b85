import { describe, expect, it } from 'vitest';
import { checkFactory } from '../../../core/configuration/check.ts';
import type { Parity } from '../../../core/contract/comparison.ts';
import { STAGES, filesOf } from '../../fixtures/factories.ts';

function problemsOf(parity: Parity, prod: string): string[] {
  const files = new Map(filesOf({ stages: STAGES, parity }));
  files.set('config/prod.yaml', prod);
  return checkFactory(files).map(({ file, line, path, message }) => `${file}:${line} ${path}: ${message}`);
}

describe('a factory whose AMIs must all be the same', () => {
  it.each([
    [
      'rootVolumeSizeGiB: 32',
      'rootVolumeSizeGiB: found 32 in prod and 16 in dev, must be the same for every target of base: factory.yaml says parity: enforce',
    ],
    [
      'architecture: arm64',
      'architecture: found "arm64" in prod and "x86_64" in dev, must be the same for every target of base: factory.yaml says parity: enforce',
    ],
    [
      "accounts: { '100001000001': { rootVolumeSizeGiB: 32 } }",
      'accounts.100001000001.rootVolumeSizeGiB: found 32 in prod and 16 in dev, must be the same for every target of base: factory.yaml says parity: enforce',
    ],
  ])('refuses what can never be so: %s', (layer, message) => {
    expect(problemsOf('enforce', layer)).toEqual([`config/prod.yaml:1 ${message}`]);
  });

  it('lets pass what says where and for whom an AMI is made', () => {
    expect(problemsOf('enforce', 'instanceType: m7i.xlarge\ntags: { Environment: prod }\n')).toEqual([]);
    expect(problemsOf('enforce', 'rootVolumeSizeGiB: 16\n')).toEqual([]);
  });

  it.each(['report', 'off'] as const)('is what only enforce asks for, and not %s', (parity) => {
    expect(problemsOf(parity, 'rootVolumeSizeGiB: 32')).toEqual([]);
  });
});
