import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, pages, proseOf } from './markdown.ts';

const root = new URL('../../', import.meta.url).pathname;
const all = pages();

interface Link {
  readonly from: string;
  readonly path: string;
  readonly anchor: string;
}

/** The links of a page to something in the repository. */
function linksOf(from: string, text: string): Link[] {
  const targets = [...proseOf(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { from, path: path === '' ? from : normalize(join(dirname(from), path)), anchor };
    });
}

const links = [...all].flatMap(([from, text]) => linksOf(from, text));

test('every link leads to a file that exists, and every anchor to a heading of it', () => {
  expect(links.length).toBeGreaterThan(100);
  const broken = links.filter(({ path, anchor }) => {
    if (!existsSync(join(root, path))) return true;
    return anchor !== '' && !anchorsOf(all.get(path) ?? '').has(anchor);
  });
  expect(broken).toEqual([]);
});

test('every page is reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached)
    for (const { from, path } of links) if (from === page && all.has(path)) reached.add(path);
  expect([...all.keys()].filter((page) => !reached.has(page))).toEqual([]);
});

test('the README fits one screen and a half, and says in its first lines that no account has been met', () => {
  const lines = (all.get('README.md') ?? '').split('\n');
  expect(lines.length).toBeLessThanOrEqual(151);
  expect(lines.slice(0, 6).join(' ')).toContain('It has not run in an AWS account yet.');
});

test('would notice an anchor that no heading has', () => {
  expect(anchorsOf('# A page\n\n## `What` it is, [really](x.md)\n\n## Twice\n\n## Twice\n')).toEqual(
    new Set(['a-page', 'what-it-is-really', 'twice', 'twice-1']),
  );
  expect(linksOf('docs/a.md', 'see [b](../b.md#c), [here](#d), `[no](code.md)`')).toContainEqual({
    from: 'docs/a.md',
    path: 'b.md',
    anchor: 'c',
  });
});
