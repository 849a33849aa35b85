import { describe, expect, it } from 'vitest';
import { tellingsOf } from '../../../cli/commands/rehearse/told.ts';
import { RELEASE } from '../../fixtures/releases.ts';

const ARN = 'arn:aws:states:eu-west-1:999999999999:execution:packleader-release-image:web';
const AT = '2026-11-21T09:40:00.000Z';
const detail = { schema: 1, ...RELEASE, executionArn: ARN };
const approved = {
  at: AT,
  source: 'packleader',
  detailType: 'Release Approved',
  detail: { ...detail, stage: 'prod', by: 'alice', reason: 'CHG-4711' },
};
const released = {
  at: AT,
  source: 'packleader',
  detailType: 'Image Released',
  detail: {
    ...detail,
    images: [{ stage: 'prod', accountId: '222222222222', region: 'eu-west-1', imageId: 'ami-1' }],
  },
};
const others = { ...released, source: 'somebody.else' };
const events = [approved, released, others];

const told = (
  ...[settings, approvers]: [Parameters<typeof tellingsOf>[1], Parameters<typeof tellingsOf>[2]]
) => tellingsOf(events, settings, approvers).map(({ topic, title }) => `${topic}: ${title}`);

describe('what people would be told of a rehearsal', () => {
  it('is nothing where nobody is told', () => {
    expect(told({}, {})).toEqual([]);
  });

  it('is what the topic of all releases is for, and no event of others', () => {
    expect(told({ notify: {} }, {})).toEqual([
      `packleader-releases: ${RELEASE.releaseId} is approved for prod, by alice`,
      `packleader-releases: ${RELEASE.releaseId} is released`,
    ]);
  });

  it('is only what was asked for, on a topic of one’s own', () => {
    const topicArn = 'arn:aws:sns:eu-west-1:999999999999:images';
    expect(told({ notify: { topicArn, events: ['released'] } }, {})).toEqual([
      `images: ${RELEASE.releaseId} is released`,
    ]);
    expect(told({ notify: { stages: ['dev'] } }, {})).toEqual([]);
  });

  it('goes to those who approve a stage, of that stage alone', () => {
    const line = `${RELEASE.releaseId} is approved for prod, by alice`;
    expect(told({}, { prod: {} })).toEqual([`packleader-approvals-prod: ${line}`]);
    expect(told({}, { test: {} })).toEqual([]);
  });
});
