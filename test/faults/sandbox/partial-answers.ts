/** Lists in answers, and answers that lack the last thing of a list. */
const LISTS = [
  'Images',
  'Snapshots',
  'Reservations',
  'KeyPairs',
  'Volumes',
  'SecurityGroups',
  'LaunchTemplates',
  'Parameters',
  'ids',
  'builds',
];

function listIn(answer: unknown): readonly [string, unknown[]] | undefined {
  for (const name of LISTS) {
    const list: unknown = Reflect.get(Object(answer), name);
    if (Array.isArray(list)) return [name, list];
  }
  return undefined;
}

export const listLengthOf = (answer: unknown): number => listIn(answer)?.[1].length ?? 0;

export function curtailed(answer: unknown): unknown {
  const [name, list] = listIn(answer) ?? [];
  if (name === undefined || list === undefined) throw new Error('There is no list to curtail.');
  return { ...Object(answer), [name]: list.slice(0, -1) };
}
