import { describe, expect, it } from 'vitest';
import { executionName } from '../../../core/releases/execution-name.ts';
import { RELEASE } from '../../fixtures/releases.ts';

const LONG = { ...RELEASE, image: 'i'.repeat(40), version: '1.4.20261121093000-feature-topic' };

describe('the name of an execution', () => {
  it('says image and version', () => {
    expect(executionName(RELEASE)).toBe('web-1.4.20261121093000');
  });

  it('is the same for the same release, and another for another', () => {
    expect(executionName(LONG)).toBe(executionName({ ...LONG }));
    expect(executionName(LONG)).not.toBe(executionName({ ...LONG, version: `${LONG.version}-2` }));
  });

  it('has at most 55 characters, cut names with a hash of the whole', () => {
    expect(executionName({ ...RELEASE, image: 'i'.repeat(36) })).toHaveLength(55);
    expect(executionName({ ...RELEASE, image: 'i'.repeat(36) })).toMatch(/-1\.4\.20261121093000$/);
    expect(executionName(LONG)).toMatch(/^i{40}-1\.4\.2-[0-9a-f]{8}$/);
  });
});
