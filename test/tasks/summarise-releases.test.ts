import { describe, expect, it } from 'vitest';
import { handler } from '../../tasks/summarise-releases.ts';
import { RELEASE } from '../fixtures/releases.ts';

const base = { ...RELEASE, image: 'base', releaseId: 'base@1.0.20261121093000' };
/** What a nested execution that failed leaves in its parent. */
const nested = (name: string, cause: string) => ({
  Error: 'States.TaskFailed',
  Cause: JSON.stringify({ Status: 'FAILED', Error: name, Cause: cause }),
});

describe('summarising releases', () => {
  it('is complete when every image was released', async () => {
    expect(await handler({ results: [[{ release: base }], [{ release: RELEASE }]] })).toEqual({
      complete: true,
      released: [base.releaseId, RELEASE.releaseId],
      cause: '',
    });
  });

  it('is complete when nothing changed and nothing was released', async () => {
    expect(await handler({ results: [] })).toEqual({ complete: true, released: [], cause: '' });
  });

  it('gives the reason of each image that was not released', async () => {
    const failure = nested('BakeFailed', 'exit status 1');
    expect(await handler({ results: [[{ release: base }, { release: RELEASE, failure }]] })).toEqual({
      complete: false,
      released: [base.releaseId],
      cause: `1 of 2 images were not released.\n${RELEASE.releaseId}: BakeFailed: exit status 1`,
    });
  });

  it('counts an image as released whose announcement alone was lost', async () => {
    const failure = nested('AnnouncementFailed', 'x');
    expect(await handler({ results: [[{ release: RELEASE, failure }]] })).toEqual({
      complete: true,
      released: [RELEASE.releaseId],
      cause: '',
    });
  });

  it.each([
    ['text', 'no JSON', 'States.Timeout: no JSON'],
    ['JSON of another kind', '[]', 'States.Timeout: []'],
    ['JSON without an error', '{"Status":"ABORTED"}', 'States.Timeout: '],
  ])('takes a cause that is %s as it is', async (_, Cause, told) => {
    const { cause } = await handler({
      results: [[{ release: RELEASE, failure: { Error: 'States.Timeout', Cause } }]],
    });
    expect(cause).toBe(`1 of 1 image was not released.\n${RELEASE.releaseId}: ${told}`);
  });

  it('fails on an event that is none', async () => {
    await expect(handler({})).rejects.toMatchObject({ name: 'InvalidEvent' });
  });
});
