import { suite } from './scenarios.ts';
import { play } from './play.ts';
import { randomFrom, sample } from './random.ts';
Error.stackTraceLimit = 0;
const [category = 'one fault', count = '600'] = process.argv.slice(2);
const { grounds, categories } = await suite(1);
const list = sample(
  categories.find(({ name }) => name === category)?.scenarios ?? [],
  Number(count),
  randomFrom(5),
);
const table = new Map<string, Map<string, string[]>>();
for (const s of list) {
  const { ends, violations } = await play(grounds[s.size], s);
  const f = s.faults.at(-1);
  const key = `${f?.kind} | ${f?.point.by} ${/^(lambda|states):/.test(f?.point.operation ?? '') ? 'service' : ''} ${/^Bake/.test(f?.point.state ?? '') ? 'bake' : ''}`;
  const row = table.get(key) ?? new Map<string, string[]>();
  table.set(key, row);
  const end = `${String(ends[0])}${violations.length > 0 ? '!' : ''}`;
  row.set(end, [...(row.get(end) ?? []), s.id]);
}
for (const [key, row] of [...table].toSorted()) {
  console.log(key, Object.fromEntries([...row].map(([e, ids]) => [e, ids.length])));
  for (const [e, ids] of row)
    if (row.size > 1) console.log('     ', e, ids.slice(0, 3).join('\n            '));
}
