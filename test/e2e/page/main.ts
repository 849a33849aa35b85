/**
 * `npm run e2e:page`: looks at the page as its readers do, in headless Chromium: every view, light and dark, wide and narrow, by
 * keyboard, and by axe-core.
 *
 *     npm run e2e:page -- --pictures <directory>     also takes the pictures that the docs show
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Page, launch } from 'puppeteer-core';
import { pageHtml } from '../../../cli/page/html.ts';
import { pageData } from '../../../cli/page/page-data.ts';
import { overviewOf } from '../../fixtures/overviews.ts';
import { installPrograms } from '../installation.ts';

const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const ROOT = join(import.meta.dirname, '..', '..', '..');
const SIZES = { desktop: { width: 1_280, height: 900 }, phone: { width: 375, height: 760 } } as const;

const directory = mkdtempSync(join(tmpdir(), 'packleader-page-'));
const results: { readonly name: string; readonly problems: readonly string[] }[] = [];
const [flag, pictures] = process.argv.slice(2);

const browser = await launch({ executablePath: chromium(), args: ['--no-sandbox', '--disable-gpu'] });
try {
  const rehearsed = join(directory, 'rehearsal.html');
  execFileSync(process.execPath, ['cli/packleader.ts', 'rehearse', '--page', rehearsed], { cwd: ROOT });
  const [newest = ''] = /linux-base@[\d.]+/.exec(idsIn(rehearsed)) ?? [];
  const years = written('years.html', pageHtml(pageData(overviewOf(1_000))));
  const broken = overviewOf(12).releases.find(({ outcome }) => outcome !== 'released')?.releaseId ?? '';
  const views = [
    [
      'a rehearsal',
      rehearsed,
      ['#/now', '#/releases', `#/release/${encodeURIComponent(newest)}`, '#/lineage', '#/time'],
    ],
    [
      'a thousand releases',
      years,
      ['#/now', '#/releases', `#/release/${encodeURIComponent(broken)}`, '#/lineage', '#/time'],
    ],
    [
      'nothing yet',
      written('empty.html', pageHtml(pageData({ ...overviewOf(0), where: { newest: {}, targets: [] } }))),
      ['#/now', '#/releases', '#/lineage', '#/time', '#/release/none'],
    ],
  ] as const;
  for (const [what, file, hashes] of views)
    for (const [size, viewport] of Object.entries(SIZES))
      for (const scheme of ['light', 'dark'])
        await check(`${what}, ${size}, ${scheme}`, async (page) => {
          await page.setViewport(viewport);
          await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
          const problems: string[] = [];
          for (const hash of hashes) {
            await open(page, file, hash);
            problems.push(...(await judged(page)).map((problem) => `${hash}: ${problem}`));
          }
          return problems;
        });
  await check('by keyboard', async (page) => byKeyboard(page, years));
  await check('search, filters and permalinks', async (page) => searched(page, years));
  await check('what comes from outside is text', async (page) => {
    const hostile = '</script><img src=x onerror="document.title=\'taken\'"><b>bold</b>';
    const file = written(
      'hostile.html',
      pageHtml(pageData(overviewOf(2, { reason: hostile, branch: hostile }))),
    );
    const { releaseId = '' } = overviewOf(1).releases[0] ?? {};
    await open(page, file, `#/release/${encodeURIComponent(releaseId)}`);
    const text = await page.$eval('main', (main) => main.textContent);
    const made = await page.$$eval('main img, main b', (all) => all.length);
    return [
      ...(text.includes(hostile) ? [] : ['it is not shown as it is']),
      ...(made === 0 ? [] : ['it became elements']),
    ];
  });
  if (flag === '--pictures' && pictures !== undefined) await takePictures(rehearsed, newest, pictures);
} finally {
  await browser.close();
  rmSync(directory, { recursive: true, force: true });
}
const failed = results.filter(({ problems }) => problems.length > 0).length;
say(`${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && results.length > 0 ? 0 : 1);

/** The Chromium of the machine; installed from Debian's packages where there is none. */
function chromium(): string {
  const found = () =>
    ['chromium', 'chromium-browser', 'google-chrome']
      .map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim())
      .find((path) => path !== '');
  const there = found();
  if (there !== undefined) return there;
  installPrograms(say, { chromium: 'chromium' });
  const installed = found();
  if (installed === undefined) throw new Error('There is no Chromium on PATH; please install it.');
  return installed;
}

function written(name: string, html: string): string {
  const file = join(directory, name);
  writeFileSync(file, html);
  return file;
}

/** The ids of the releases that a page holds. */
function idsIn(file: string): string {
  const [, json = '{}'] = /id="data">([^]*?)<\/script>/.exec(readFileSync(file, 'utf8')) ?? [];
  const { images, releases } = JSON.parse(json);
  return releases
    .map((one: { image: number; version: string }) => `${images[one.image]}@${one.version}`)
    .join(' ');
}

/** Opens a page of its own, which may ask nothing of anybody and fail in nothing. */
async function check(name: string, look: (page: Page) => Promise<string[]>): Promise<void> {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`fails: ${String(error)}`));
  page.on(
    'console',
    (message) => message.type() === 'error' && problems.push(`complains: ${message.text()}`),
  );
  page.on('request', (request) => {
    if (!/^(file|about|data):/.test(request.url())) problems.push(`asks for ${request.url()}`);
  });
  try {
    problems.push(...(await look(page)));
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await page.close();
  results.push({ name, problems });
  say(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${name}`);
  for (const problem of problems) say(`          ${problem}`);
}

async function open(page: Page, file: string, hash: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${pathToFileURL(file).href}${hash}`);
  await page.waitForSelector('main h2');
}

/** What axe-core has against it, and whether a reader would have to scroll sideways. */
async function judged(page: Page): Promise<string[]> {
  const wide = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  await page.evaluate(AXE);
  const violations = await page.evaluate(
    `axe.run(document).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target, failureSummary }) => target + ' ' + failureSummary).slice(0, 3).join('; ')))`,
  );
  if (!Array.isArray(violations)) throw new Error('axe-core said nothing.');
  return [
    ...violations.map(String),
    ...(Number(wide) > 0 ? [`it is ${Number(wide)} px wider than the window`] : []),
  ];
}

async function focused(page: Page): Promise<string> {
  return String(await page.evaluate('document.activeElement.textContent'));
}

async function byKeyboard(page: Page, file: string): Promise<string[]> {
  const problems: string[] = [];
  const expects = (what: string, found: string, wanted: string) =>
    found === wanted
      ? undefined
      : problems.push(`${what} is ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  await open(page, file, '');
  await page.keyboard.press('Tab');
  expects('the first stop', await focused(page), 'Skip to the content');
  await page.keyboard.press('Enter');
  expects('the skip link leads to', String(await page.evaluate('document.activeElement.id')), 'main');
  await open(page, file, '');
  for (let stop = 0; stop < 3; stop += 1) await page.keyboard.press('Tab');
  expects('the third stop', await focused(page), 'Releases');
  await page.keyboard.press('Enter');
  await page.waitForFunction(`document.querySelector('h2').textContent === 'Releases'`);
  expects('the view has', String(await page.evaluate('document.activeElement.id')), 'main');
  await page.keyboard.press('Tab');
  expects('the next stop', String(await page.evaluate('document.activeElement.name')), 'q');
  await page.keyboard.type('windows-web');
  expects('typing keeps', String(await page.evaluate('document.activeElement.name')), 'q');
  return problems;
}

async function searched(page: Page, file: string): Promise<string[]> {
  const problems: string[] = [];
  const told = async (): Promise<string> => page.$eval('[role=status]', (one) => one.textContent);
  const rows = async (): Promise<number> => page.$$eval('tbody tr', (all) => all.length);
  const expects = (what: string, found: unknown, wanted: unknown) =>
    found === wanted ? undefined : problems.push(`${what}: ${String(found)}, not ${String(wanted)}`);
  await open(page, file, '#/releases');
  expects('all', await told(), '1,000 releases of 1,000');
  expects('rows at first', await rows(), 100);
  await page.click('main button');
  expects('rows after "more"', await rows(), 1_000);
  await page.type('input[name=q]', 'linux-web 202611');
  expects('found', await told(), '5 releases of 1,000');
  await page.select('select[name=outcome]', 'rolled back');
  expects('of them rolled back', await told(), '1 release of 1,000');
  const link = page.url();
  await open(page, file, link.slice(link.indexOf('#')));
  expects('by its permalink', await told(), '1 release of 1,000');
  await page.click('tbody a');
  await page.waitForSelector('figure svg[role=img]');
  expects(
    'its cause',
    (await page.$eval('pre', (one) => one.textContent)).trim(),
    'BakeFailed: E: Unable to locate package nginx',
  );
  await page.goBack();
  await page.waitForSelector('[role=status]');
  expects('back', await told(), '1 release of 1,000');
  return problems;
}

async function takePictures(file: string, release: string, into: string): Promise<void> {
  const page = await browser.newPage();
  await page.setViewport({ width: 1_100, height: 760, deviceScaleFactor: 1.5 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
  await open(page, file, `#/release/${encodeURIComponent(release)}`);
  await page.screenshot({ path: join(into, 'page.png') });
  say(`wrote ${join(into, 'page.png')}`);
}
