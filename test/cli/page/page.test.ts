import { describe, expect, test } from 'vitest';
import { pageHtml } from '../../../cli/page/html.ts';
import { pageData } from '../../../cli/page/page-data.ts';
import { overviewOf } from '../../fixtures/overviews.ts';

describe('the page', () => {
  test('has at most 400 kB for a thousand releases into four targets', () => {
    const html = pageHtml(pageData(overviewOf(1_000)));
    expect(html.match(/"commit":/g)).toHaveLength(1_000);
    expect(Buffer.byteLength(html)).toBeLessThan(400_000);
  });

  test('draws where the time went of the newest releases, and says of every other one how long it took and what it cost', () => {
    const { releases } = pageData(overviewOf(1_000));
    expect(releases.filter(({ states, bakes }) => states && bakes)).toHaveLength(100);
    expect(releases.findLastIndex(({ states }) => states)).toBe(99);
    expect(releases.filter(({ cost, minutes }) => cost === 0.246 && minutes === 49)).toHaveLength(990);
    expect(releases.every(({ seconds }) => seconds !== undefined)).toBe(true);
  });

  test('names nothing outside itself but what it shows as text', () => {
    const html = pageHtml(pageData(overviewOf(3)));
    const code = html.replace(/<script type="application\/json"[^]*?<\/script>/, '');
    expect(code.match(/https?:\/\/[^'"\s)]+/g)).toEqual(['http://www.w3.org/2000/svg']);
    expect(code).not.toMatch(/<link|<img|<iframe|@import ['"u]|url\(|fetch\(|XMLHttpRequest|import\(/);
    expect(html).toMatch(/default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+';/);
  });

  test('keeps what comes from outside within the data', () => {
    const hostile = '</script><script>alert(1)</script><!-- policy -->';
    const html = pageHtml(pageData(overviewOf(1, { reason: hostile, branch: hostile, startedBy: hostile })));
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/http-equiv/g)).toHaveLength(1);
    const [, json = ''] = /<script type="application\/json" id="data">([^]*?)<\/script>/.exec(html) ?? [];
    expect(JSON.parse(json).releases[0]).toMatchObject({
      reason: hostile,
      branch: hostile,
      startedBy: hostile,
    });
  });

  test('says that a release is revoked, and why', () => {
    const { releases } = pageData(overviewOf(1, { revoked: 'a leaked key' }));
    expect(releases[0]).toMatchObject({ outcome: 'revoked', error: 'a leaked key' });
  });

  test('tells of a release what its record and its timeline know', () => {
    const { releases, targets, images, newest } = pageData(overviewOf(8));
    expect(targets[1]).toEqual({ stage: 'prod', name: '222222222222/eu-west-1' });
    expect(images).toEqual(['linux-base', 'linux-web', 'windows-base', 'windows-web']);
    expect(newest[0]).toBe('1.4.20261121093000');
    expect(releases[5]).toMatchObject({
      image: 1,
      outcome: 'rolled back',
      error: 'BakeFailed: E: Unable to locate package nginx',
      cost: 0.246,
      minutes: 49,
    });
    expect(releases[5]?.bakes?.map((bake) => bake[3])).toEqual([
      undefined,
      undefined,
      'BakeFailed',
      undefined,
    ]);
    expect(releases[5]?.states?.[1]).toEqual(['Bake dev AMIs', 6, 714]);
  });
});
