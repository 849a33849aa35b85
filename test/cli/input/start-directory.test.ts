import { expect, test } from 'vitest';
import { startDirectory } from '../../../cli/input/start-directory.ts';

test.each([
  ['without npm', '/work', {}, '/work'],
  [
    'by `npm run` in the project itself',
    '/tool',
    { INIT_CWD: '/tool', npm_package_json: '/tool/package.json' },
    '/tool',
  ],
  [
    'by `npm --prefix /tool` from one’s own project',
    '/tool',
    { INIT_CWD: '/mine', npm_package_json: '/tool/package.json' },
    '/mine',
  ],
  [
    'by `npm run` from a directory below',
    '/tool',
    { INIT_CWD: '/tool/docs', npm_package_json: '/tool/package.json' },
    '/tool/docs',
  ],
  [
    'by a script of npm that went elsewhere',
    '/elsewhere',
    { INIT_CWD: '/mine', npm_package_json: '/mine/package.json' },
    '/elsewhere',
  ],
])('started %s, the program is where its user is', (_, cwd, environment, directory) => {
  expect(startDirectory(cwd, environment)).toBe(directory);
});
