/** What Packer printed when it failed: one file a kind. `npm run record:packer` makes them again. */
import { join } from 'node:path';

export const recordingOf = (kind: string): string => join(import.meta.dirname, `${kind}.log`);

/** What is another at every run, and what is put in its place. */
const CHANCE: readonly (readonly [RegExp, string])[] = [
  // In the order of a map of Go.
  [/^.*: Adding tag: .*\n/gm, ''],
  [/^\d{4}-\d\d-\d\dT[\d:]+Z: /gm, ''],
  [/\b(?:\d+ (?:hours?|minutes?|seconds?|milliseconds?|microseconds?) ?)+/g, '<a while> '],
  [
    /\b(?:\w{3} +\d\d? \w+ \d{4}|\w{3} \w{3} +\d\d? \d{4}|\d\d\d\d-\d\d-\d\d) +[\d:.]+( [AP]M UTC)?/g,
    '<time>',
  ],
  [/\d+:\d\d:\d\d(\.\d+)?|\b\d+\.\d+ ?s(econds)?\b/g, '<time>'],
  [/ +\d+(\.\d+)? [kM]?B\/s/g, ' <rate>'],
  [/\b(i|ami|snap|vol|sg|sgr|subnet|vpc|key)-[0-9a-f]{8,}\b/g, '$1-<id>'],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>'],
  [/\b198\.18\.\d+\.\d+\b/g, '<address>'],
  [/\b127\.0\.0\.1:\d+\b/g, '<address>'],
  [/\/tmp\/[\w.-]+/g, '/tmp/<file>'],
  [/\b[0-9a-f]{40,}\b/g, '<digest>'],
  [/\bmessage(repeated)? \d+ times\b/g, '<times>'],
  [/\b\d+(\.\d+)+[\w.+~:-]*/g, '<version>'],
  [/ +$/gm, ''],
];

/** The order of what a script printed on its two streams is chance as well: what is on stderr comes first. */
export function withoutChance(log: string): string {
  const lines = CHANCE.reduce((text, [pattern, constant]) => text.replaceAll(pattern, constant), log).split(
    '\n',
  );
  const isError = (line: string) => line.startsWith('==> ');
  return [...lines.filter(isError), ...lines.filter((line) => !isError(line))].join('\n');
}
