import { describe, expect, it } from 'vitest';
import { type BinRules, whyNotKept } from '../../../core/life/bin-rules.ts';

type Rule = BinRules[number];
const RELEASED = new Map([['packleader:state', 'released']]);
const rule = (ResourceType: string, days: number, more: Partial<Rule> = {}): Rule => ({
  ResourceType,
  Status: 'available',
  RetentionPeriod: { RetentionPeriodValue: days },
  ResourceTags: [{ ResourceTagKey: 'packleader:state', ResourceTagValue: 'released' }],
  ExcludeResourceTags: [],
  ...more,
});
const why = (rules: BinRules, tags: ReadonlyMap<string, string> = RELEASED) =>
  whyNotKept(rules, { imageId: 'ami-1', tags, snapshots: new Map([['snap-1', tags]]) });

describe('what a Recycle Bin keeps', () => {
  it('is an AMI with its snapshots, by a tag of theirs', () => {
    expect(why([rule('EC2_IMAGE', 7), rule('EBS_SNAPSHOT', 7)])).toBeUndefined();
    expect(why([rule('EC2_IMAGE', 7), rule('EBS_SNAPSHOT', 7)], new Map())).toBe(
      'no rule of the Recycle Bin keeps ami-1',
    );
  });

  it('is everything in a region where the rule names no tag, but what it leaves out', () => {
    const all = { ResourceTags: [] };
    expect(why([rule('EC2_IMAGE', 7, all), rule('EBS_SNAPSHOT', 7, all)], new Map())).toBeUndefined();
    const but = {
      ...all,
      ExcludeResourceTags: [{ ResourceTagKey: 'packleader:state', ResourceTagValue: 'released' }],
    };
    expect(why([rule('EC2_IMAGE', 7, all), rule('EBS_SNAPSHOT', 7, but)])).toBe(
      'no rule of the Recycle Bin keeps snap-1 of ami-1',
    );
  });

  it('is nothing as long as the rule is pending', () => {
    const pending = { Status: 'pending' };
    expect(why([rule('EC2_IMAGE', 7, pending), rule('EBS_SNAPSHOT', 7)])).toBe(
      'no rule of the Recycle Bin keeps ami-1',
    );
  });

  it('is no AMI whose snapshots go before it; of several rules the longest counts', () => {
    expect(why([rule('EC2_IMAGE', 14), rule('EBS_SNAPSHOT', 7)])).toBe(
      'the Recycle Bin keeps snap-1 for 7 days only, and ami-1, which is made of it, for 14',
    );
    expect(why([rule('EC2_IMAGE', 14), rule('EBS_SNAPSHOT', 7), rule('EBS_SNAPSHOT', 30)])).toBeUndefined();
  });
});
