// Draws the page, in the browser, from the data that is in it. No library, nothing from outside.

/** @import { PageData, PagePlace, PageRelease } from './page-shape.ts' */

/** @type {PageData} */
const data = JSON.parse(document.getElementById('data')?.textContent ?? '');
const main = document.querySelector('main') ?? document.body;
/** Rows that are drawn before somebody asks for more. */
const ROWS = 100;

const ids = data.releases.map((release) => `${data.images[release.image]}@${release.version}`);
/** @type {Map<string, PageRelease>} */
const byId = new Map(data.releases.map((release, index) => [ids[index] ?? '', release]));
/** By image and version: the targets where it is `latest`. @type {Map<string, Set<number>>} */
const latestIn = new Map();
for (const { image, target, latest } of data.where) {
  if (!latest) continue;
  const id = `${data.images[image]}@${latest[1]}`;
  latestIn.set(id, (latestIn.get(id) ?? new Set()).add(target));
}

/**
 * @typedef {Node | string | number | false | null | undefined} Child
 * @param {string} name
 * @param {Record<string, string | number | ((event: Event) => void) | undefined>} [attributes]
 * @param {...(Child | Child[])} children
 */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  fill(element, attributes, children);
  return element;
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Child | Child[])} children
 */
function s(name, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  fill(element, attributes, children);
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, string | number | ((event: Event) => void) | undefined>} attributes
 * @param {readonly (Child | Child[])[]} children
 */
function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (value !== undefined) element.setAttribute(key, String(value));
  }
  for (const child of children.flat())
    if (child !== null && child !== undefined && child !== false)
      element.append(child instanceof Node ? child : String(child));
}

/** @param {number} seconds since 1970 */
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
/** @param {number} seconds since 1970 */
const moment = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
/** @param {number | null | undefined} seconds */
const lasted = (seconds) =>
  seconds === null || seconds === undefined
    ? ''
    : seconds < 90
      ? `${seconds} s`
      : seconds < 5400
        ? `${Math.round(seconds / 60)} min`
        : `${(seconds / 3600).toFixed(1)} h`;
/** @param {number} number @param {string} one @param {string} [more] */
const count = (number, one, more = `${one}s`) =>
  `${number.toLocaleString('en')} ${number === 1 ? one : more}`;
/** @param {number | undefined} dollars */
const cost = (dollars) => (dollars === undefined ? '' : `$${dollars.toFixed(dollars < 1 ? 3 : 2)}`);
/** @param {number} target */
const targetOf = (target) => data.targets[target] ?? { stage: '', name: '' };
/** @param {string} id */
const linkTo = (id) => `#/release/${encodeURIComponent(id)}`;

const KINDS = /** @type {Record<string, string>} */ ({
  released: 'good',
  running: 'warn',
  'rolled back': 'warn',
  refused: 'warn',
});
/** @param {string} outcome */
const mark = (outcome) => h('span', { class: `mark ${KINDS[outcome] ?? 'bad'}` }, outcome);

/** @param {string} id */
function releaseLink(id) {
  const [image, version] = id.split('@');
  // A narrow column breaks it there, and nowhere else.
  const text = h('span', { class: 'version' }, image, version !== undefined && ['@', h('wbr'), version]);
  return byId.has(id) ? h('a', { href: linkTo(id) }, text) : text;
}

/**
 * @param {string} caption
 * @param {readonly (string | [string, string])[]} heads a text, or one with a class
 * @param {readonly HTMLElement[]} rows
 */
function table(caption, heads, rows) {
  return h(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      {},
      h('caption', {}, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head) =>
            typeof head === 'string'
              ? h('th', { scope: 'col' }, head)
              : h('th', { scope: 'col', class: head[1] }, head[0]),
          ),
        ),
      ),
      h('tbody', {}, [...rows]),
    ),
  );
}

// ---- now

function nowView() {
  if (data.images.length === 0) return [h('h2', {}, 'Now'), h('p', {}, 'No release yet.')];
  const places = new Map(data.where.map((place) => [`${place.target} ${place.image}`, place]));
  const seen = [...new Set(data.where.map(({ target }) => target))];
  const unseen = [...new Set(data.notSeen.map(({ target }) => target))];
  const stale = data.where.filter(({ latest }) => latest?.[3] === true).length;
  const missing = data.where.filter(({ latest }) => !latest).length;
  const old = data.where.flatMap(({ target, image, running }) =>
    (running ?? []).flatMap(([version, instances, isOld]) =>
      isOld ? [{ target, image, version, instances }] : [],
    ),
  );
  return [
    h('h2', {}, 'Now'),
    h(
      'p',
      {},
      `${count(seen.length, 'target')}: `,
      stale + missing + unseen.length === 0
        ? h('span', { class: 'good' }, 'every one has the newest release of every image')
        : h(
            'span',
            { class: 'warn' },
            `${stale} stale, ${missing} without latest, ${unseen.length} not seen`,
          ),
    ),
    table(
      'What latest is, in each target',
      ['Stage', 'Target', ...data.images],
      [...new Set([...seen, ...unseen])]
        .toSorted((a, b) => a - b)
        .map((target) => {
          const { stage, name } = targetOf(target);
          return h(
            'tr',
            {},
            h('td', {}, stage),
            h('th', { scope: 'row' }, h('code', {}, name)),
            data.images.map((_, image) => h('td', {}, placeCell(image, places.get(`${target} ${image}`)))),
          );
        }),
    ),
    old.length > 0 && [
      h('h3', {}, 'Instances of an older release'),
      table(
        'Stale instances',
        ['Stage', 'Target', 'Image', 'They run', ['Instances', 'number']],
        old.map(({ target, image, version, instances }) => {
          const { stage, name } = targetOf(target);
          return h(
            'tr',
            {},
            h('td', {}, stage),
            h('td', {}, h('code', {}, name)),
            h('td', {}, data.images[image]),
            h('td', {}, releaseLink(`${data.images[image]}@${version}`)),
            h('td', { class: 'number' }, instances),
          );
        }),
      ),
    ],
    data.notSeen.length > 0 && [
      h('h3', {}, 'Not seen'),
      h(
        'ul',
        {},
        data.notSeen.map(({ target, what, why }) =>
          h('li', {}, h('code', {}, targetOf(target).name), ` ${what}: ${why}`),
        ),
      ),
    ],
  ].flat();
}

/**
 * @param {number} image
 * @param {PagePlace | undefined} place
 */
function placeCell(image, place) {
  if (!place) return [h('span', { class: 'bad' }, 'not seen')];
  const { latest, running } = place;
  const instances = (running ?? []).reduce((sum, [, number]) => sum + number, 0);
  const users = instances > 0 && h('div', { class: 'faint' }, count(instances, 'instance'));
  if (!latest) return [h('span', { class: 'mark warn' }, 'no latest'), users];
  const [imageId, version, days, isStale] = latest;
  return [
    version === null ? h('code', {}, imageId) : shortLink(`${data.images[image]}@${version}`, version),
    isStale && [' ', h('span', { class: 'mark warn' }, 'stale')],
    h('div', { class: 'faint' }, h('code', {}, imageId)),
    days !== null && h('div', { class: 'faint' }, `${count(days, 'day')} old`),
    users,
  ].flat();
}

/** @param {string} id @param {string} text */
const shortLink = (id, text) =>
  byId.has(id) ? h('a', { href: linkTo(id), class: 'version' }, text) : h('span', { class: 'version' }, text);

// ---- releases

/** @param {URLSearchParams} asked */
function releasesView(asked) {
  const words = (asked.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const image = asked.get('image') ?? '';
  const outcome = asked.get('outcome') ?? '';
  const rows = Number(asked.get('rows') ?? ROWS);
  const found = data.releases.flatMap((release, index) => {
    const id = ids[index] ?? '';
    const is = release.outcome ?? 'released';
    const text = [
      id,
      release.commit,
      release.branch,
      release.reason,
      release.startedBy,
      ...release.amis.map(([, ami]) => ami),
    ];
    const fits =
      (image === '' || data.images[release.image] === image) &&
      (outcome === '' || is === outcome) &&
      words.every((word) => text.join(' ').toLowerCase().includes(word));
    return fits ? [{ id, release, is }] : [];
  });
  const outcomes = [...new Set(data.releases.map((release) => release.outcome ?? 'released'))];
  const stages = [...new Set(data.targets.map(({ stage }) => stage))];
  return [
    h('h2', {}, 'Releases'),
    h(
      'form',
      { role: 'search', submit: (/** @type {Event} */ event) => event.preventDefault() },
      field(
        'Search',
        h('input', { type: 'search', name: 'q', value: asked.get('q') ?? '', input: refilter }),
      ),
      field('Image', choice('image', ['', ...data.images], image)),
      field('Outcome', choice('outcome', ['', ...outcomes], outcome)),
    ),
    h('div', { id: 'found' }, [
      h(
        'p',
        { role: 'status' },
        `${count(found.length, 'release')} of ${data.releases.length.toLocaleString('en')}`,
      ),
      table(
        'Releases, newest first',
        [
          'Release',
          'Outcome',
          'Started',
          ['Took', 'number wide'],
          ['Cost', 'number wide'],
          ['Commit', 'wide'],
          ...stages,
        ],
        found.slice(0, rows).map(({ id, release, is }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, releaseLink(id)),
            h('td', {}, mark(is), release.prerelease && [' ', h('span', { class: 'mark' }, 'prerelease')]),
            h('td', {}, day(release.at)),
            h('td', { class: 'number wide' }, lasted(release.seconds)),
            h('td', { class: 'number wide' }, cost(release.cost)),
            h('td', { class: 'wide' }, h('code', {}, release.commit.slice(0, 7))),
            stages.map((stage) => h('td', {}, stageCell(id, release, stage))),
          ),
        ),
      ),
      found.length > rows &&
        h(
          'p',
          {},
          h(
            'button',
            { type: 'button', click: () => go({ rows: String(rows + 10 * ROWS) }) },
            `Show ${Math.min(10 * ROWS, found.length - rows)} more`,
          ),
        ),
    ]),
  ];

  /** @param {Event} event */
  function refilter(event) {
    if (event.target instanceof HTMLInputElement) go({ q: event.target.value, rows: '' });
  }
  /** @param {Record<string, string>} changed */
  function go(changed) {
    const next = new URLSearchParams(asked);
    for (const [key, value] of Object.entries(changed))
      if (value === '') next.delete(key);
      else next.set(key, value);
    asked = next;
    const query = next.toString();
    history.replaceState(null, '', `#/releases${query ? `?${query}` : ''}`);
    const fresh = releasesView(next).find((one) => one.id === 'found');
    if (fresh) document.getElementById('found')?.replaceWith(fresh);
  }
  /** @param {string} label @param {HTMLElement} control */
  function field(label, control) {
    return h('label', {}, label, control);
  }
  /** @param {string} name @param {readonly string[]} values @param {string} value */
  function choice(name, values, value) {
    const change = (/** @type {Event} */ event) =>
      event.target instanceof HTMLSelectElement && go({ [name]: event.target.value, rows: '' });
    return h(
      'select',
      { name, change },
      values.map((one) => h('option', { value: one, ...(one === value && { selected: '' }) }, one || 'all')),
    );
  }
}

/** @param {string} id @param {PageRelease} release @param {string} stage */
function stageCell(id, release, stage) {
  const amis = release.amis.filter(([target, ami]) => ami !== null && targetOf(target).stage === stage);
  const current = amis.filter(([target]) => latestIn.get(id)?.has(target)).length;
  if (amis.length === 0) return [h('span', { class: 'faint' }, '–')];
  return [
    count(amis.length, 'AMI'),
    current > 0 && [
      ' ',
      h('span', { class: 'mark good' }, current === amis.length ? 'latest' : `latest in ${current}`),
    ],
  ].flat();
}

// ---- one release

/** @param {string} id */
function releaseView(id) {
  const release = byId.get(id);
  if (!release)
    return [h('h2', {}, id), h('p', {}, 'This page knows no such release: it may be newer than the page.')];
  const image = data.images[release.image];
  const repository = release.repository === undefined ? undefined : data.repositories[release.repository];
  const children = ids.filter((one) => byId.get(one)?.builtOn === id);
  const before = ids.find(
    (one, index) =>
      index > ids.indexOf(id) && byId.get(one)?.image === release.image && !byId.get(one)?.outcome,
  );
  /** @type {[string, Child | Child[]][]} */
  const facts = [
    ['Started', moment(release.at)],
    ['Took', lasted(release.seconds)],
    [
      'Cost',
      release.cost === undefined
        ? ''
        : `${cost(release.cost)} by list prices, ${count(release.minutes ?? 0, 'build minute')}, without builder instances`,
    ],
    ['Commit', h('code', {}, release.commit)],
    ['Branch', release.branch],
    ['Reason', release.reason],
    ['Started by', release.startedBy],
    ['Repository', repository],
    ['Built on', release.builtOn === undefined ? undefined : releaseLink(release.builtOn)],
    ['Built on it', children.length === 0 ? undefined : children.flatMap((one) => [releaseLink(one), ' '])],
    [
      'Compare',
      before === undefined ? undefined : h('code', {}, `packleader diff ${before} ${release.version}`),
    ],
  ];
  return [
    h(
      'p',
      {},
      h('a', { href: `#/releases?image=${encodeURIComponent(image ?? '')}` }, `All releases of ${image}`),
    ),
    h('h2', {}, h('span', { class: 'version' }, id), ' ', mark(release.outcome ?? 'released')),
    release.error !== undefined && h('pre', {}, release.error),
    h(
      'dl',
      {},
      facts.flatMap(([term, value]) =>
        value === undefined || value === '' ? [] : [h('dt', {}, term), h('dd', {}, ...[value].flat())],
      ),
    ),
    release.states && timeline(release),
    release.amis.length > 0 &&
      table(
        'AMIs',
        ['Stage', 'Target', 'AMI', 'Now'],
        release.amis.map(([target, ami]) =>
          h(
            'tr',
            {},
            h('td', {}, targetOf(target).stage),
            h('th', { scope: 'row' }, h('code', {}, targetOf(target).name)),
            h('td', {}, ami === null ? 'none' : h('code', {}, ami)),
            h('td', {}, latestIn.get(id)?.has(target) && h('span', { class: 'mark good' }, 'latest')),
          ),
        ),
      ),
  ].filter((one) => one instanceof Node);
}

/** @param {PageRelease} release */
function timeline({ states = [], bakes = [], outcome }) {
  const stageOf = (/** @type {string} */ state) => /^Bake (\S+) AMIs$/.exec(state)?.[1];
  /** @type {{ label: string, from: number, took: number | null, kind: string, note: string }[]} */
  const bars = states
    // The ends, and questions, take no time.
    .filter(([state]) => !/^(Released|Rolled back|Rollback .*|.*\?)$/.test(state))
    .flatMap(([state, from, took]) => {
      const undoes = /^(Withdraw|Deregister|Verify|Announce rollback)/.test(state);
      const own = { label: state, from, took, kind: undoes ? 'undone' : 'state', note: '' };
      const of = bakes.filter(([target]) => targetOf(target).stage === stageOf(state));
      return [
        own,
        ...of.map(([target, start, lasts, error]) => ({
          label: `    ${targetOf(target).name}`,
          from: start,
          took: lasts,
          kind: error === undefined ? 'bake' : 'failed',
          note: error ?? '',
        })),
      ];
    });
  const end = Math.max(1, ...bars.map(({ from, took }) => from + (took ?? 0)));
  const [left, right, width, row] = [210, bars.some(({ note }) => note) ? 150 : 60, 760, 22];
  const x = (/** @type {number} */ seconds) => left + (seconds / end) * (width - left - right);
  const height = bars.length * row + 26;
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * end));
  const text = bars.map(
    ({ label, from, took, note }) =>
      `${label.trim()}: after ${lasted(from) || '0 s'}, ${took === null ? 'not ended' : lasted(took)}${note && `, ${note}`}`,
  );
  return h(
    'figure',
    { tabindex: 0 },
    h('figcaption', {}, `Where the time went${outcome === undefined ? '' : ` until it was ${outcome}`}`),
    s(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `Timeline. ${text.join('. ')}.` },
      ticks
        .map((tick) => [
          s('line', { class: 'axis', x1: x(tick), x2: x(tick), y1: 0, y2: height - 20 }),
          s(
            'text',
            { class: 'faint', x: x(tick), y: height - 6, 'text-anchor': 'middle' },
            lasted(tick) || '0',
          ),
        ])
        .flat(),
      bars.flatMap(({ label, from, took, kind, note }, index) => [
        s('text', { x: label.startsWith(' ') ? 14 : 0, y: index * row + 15 }, label.trim()),
        s(
          'rect',
          {
            class: kind,
            x: x(from),
            y: index * row + 4,
            width: Math.max(2, x(from + (took ?? end - from)) - x(from)),
            height: row - 8,
            rx: 2,
          },
          s('title', {}, text[index] ?? ''),
        ),
        s(
          'text',
          { class: 'faint', x: x(from + (took ?? end - from)) + 4, y: index * row + 15 },
          note || (took === null ? 'not ended' : took > 0 ? lasted(took) : ''),
        ),
      ]),
    ),
  );
}

// ---- lineage

function lineageView() {
  /** The newest release that stands, of each image. @type {Map<number, PageRelease>} */
  const newest = new Map();
  for (const release of data.releases)
    if (!release.outcome && !release.prerelease && data.newest[release.image] === release.version)
      newest.set(release.image, release);
  /** @param {number | undefined} base */
  const builtOn = (base) =>
    [...newest.keys()].filter((image) => {
      const on = newest.get(image)?.builtOn?.split('@')[0];
      return base === undefined ? on === undefined || !data.images.includes(on) : on === data.images[base];
    });
  /** @param {number} image @returns {HTMLElement} */
  const branch = (image) => {
    const release = newest.get(image);
    const id = `${data.images[image]}@${release?.version}`;
    const base = release?.builtOn;
    const old =
      base !== undefined && data.newest[data.images.indexOf(base.split('@')[0] ?? '')] !== base.split('@')[1];
    const children = builtOn(image);
    return h(
      'li',
      {},
      releaseLink(id),
      ` ${day(release?.at ?? 0)}`,
      base !== undefined && [' ', h('span', { class: 'faint' }, 'on '), releaseLink(base)],
      old && [' ', h('span', { class: 'mark warn' }, 'an older base')],
      children.length > 0 && h('ul', {}, children.map(branch)),
    );
  };
  const roots = builtOn(undefined);
  return [
    h('h2', {}, 'Lineage'),
    h('p', {}, 'The newest release of each image, below the image that it is built on.'),
    roots.length === 0 ? h('p', {}, 'No release yet.') : h('ul', { class: 'tree' }, roots.map(branch)),
  ];
}

// ---- over time

function timeView() {
  return [
    h('h2', {}, 'Over time'),
    h('p', {}, 'Each dot is a release. Cost is by list prices, without builder instances.'),
    ...data.images.flatMap((image, index) => {
      const of = data.releases.filter((release) => release.image === index);
      const took = of.flatMap((one) => (one.seconds === undefined ? [] : [{ one, value: one.seconds / 60 }]));
      const costs = of.flatMap((one) => (one.cost === undefined ? [] : [{ one, value: one.cost }]));
      return [
        h('h3', {}, image),
        took.length === 0 &&
          costs.length === 0 &&
          h('p', { class: 'faint' }, 'Nothing tells how long its releases took.'),
        h(
          'div',
          { class: 'plots' },
          took.length > 0 &&
            plot(`Duration of ${image}, in minutes`, took, (value) => String(Math.round(value))),
          costs.length > 0 && plot(`Cost of ${image}, in US dollars`, costs, (value) => value.toFixed(2)),
        ),
      ];
    }),
  ].filter((one) => one instanceof Node);
}

/**
 * @param {string} caption
 * @param {readonly { one: PageRelease, value: number }[]} dots
 * @param {(value: number) => string} text
 */
function plot(caption, dots, text) {
  const [width, height, left, bottom] = [760, 170, 46, 24];
  const times = dots.map(({ one }) => one.at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const top = Math.max(...dots.map(({ value }) => value)) * 1.1 || 1;
  const x = (/** @type {number} */ at) =>
    last === first ? (left + width) / 2 : left + ((at - first) / (last - first)) * (width - left - 20);
  const y = (/** @type {number} */ value) => 8 + (1 - value / top) * (height - bottom - 8);
  const sorted = dots.map(({ value }) => value).toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return h(
    'figure',
    { tabindex: 0 },
    h('figcaption', {}, `${caption}; half of them below ${text(middle)}`),
    s(
      'svg',
      {
        viewBox: `0 0 ${width} ${height}`,
        role: 'img',
        'aria-label': `${caption}: ${count(dots.length, 'release')} from ${day(first)} to ${day(last)}, between ${text(sorted[0] ?? 0)} and ${text(sorted.at(-1) ?? 0)}, half of them below ${text(middle)}.`,
      },
      [0, 0.5, 1]
        .map((part) => [
          s('line', { class: 'axis', x1: left, x2: width, y1: y(part * top), y2: y(part * top) }),
          s(
            'text',
            { class: 'faint', x: left - 6, y: y(part * top) + 4, 'text-anchor': 'end' },
            text(part * top),
          ),
        ])
        .flat(),
      s('text', { class: 'faint', x: left, y: height - 6 }, day(first)),
      last > first &&
        s('text', { class: 'faint', x: width - 4, y: height - 6, 'text-anchor': 'end' }, day(last)),
      dots.map(({ one, value }) =>
        s(
          'circle',
          { class: one.outcome === undefined ? 'released' : 'failed', cx: x(one.at), cy: y(value), r: 4 },
          s('title', {}, `${data.images[one.image]}@${one.version}: ${text(value)}`),
        ),
      ),
    ),
  );
}

// ---- which of them

function show() {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [view = '', ...rest] = path.split('/');
  const shown = {
    releases: () => releasesView(new URLSearchParams(query)),
    release: () => releaseView(decodeURIComponent(rest.join('/'))),
    lineage: lineageView,
    time: timeView,
  }[view];
  const name = shown ? (view === 'release' ? 'releases' : view) : 'now';
  for (const link of document.querySelectorAll('nav a'))
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  main.replaceChildren(...(shown ?? nowView)().filter((one) => one instanceof Node));
  const heading = main.querySelector('h2')?.textContent ?? '';
  document.title = `${heading} – packleader`;
}

const seen = document.getElementById('seen');
if (seen)
  seen.textContent = `${data.rehearsed ? 'A rehearsal, not a real hub: ' : ''}hub ${data.hub}, seen ${moment(data.seenAt)}`;
addEventListener('hashchange', (event) => {
  // A skip link is no view.
  if (location.hash === '#main') return;
  show();
  if (event.oldURL !== event.newURL) main.focus();
});
show();
