/** Writes the reference of the events, a part of docs/events.md, from the schemas of what is sent. */
import { EVENTS } from '../core/contract/events.ts';
import { inputSchema } from './json-schemas.ts';

type Schema = ReturnType<typeof inputSchema>;

export function eventsReference(): string {
  const rows = EVENTS.map(({ name, when }) => `| [\`${name}\`](#${anchorOf(name)}) | ${when} |`);
  return [
    ['| Event | When |', '| --- | --- |', ...rows].join('\n'),
    ...EVENTS.map(({ name, when, file, detail }) =>
      [
        `### ${name}`,
        `${when} Schema: [\`schemas/events/${file}\`](../schemas/events/${file}).`,
        table(inputSchema(detail)),
      ].join('\n\n'),
    ),
  ].join('\n\n');
}

const anchorOf = (name: string) => name.toLowerCase().replaceAll(' ', '-');

function table(schema: Schema): string {
  return ['| Field | Type | What |', '| --- | --- | --- |', ...fieldRows(schema, '')].join('\n');
}

function fieldRows({ properties = {}, required = [] }: Schema, path: string): string[] {
  return Object.entries(properties).flatMap(([name, one]) => {
    if (typeof one === 'boolean') return [];
    const optional = required.includes(name) ? '' : ', may be missing';
    const items = typeof one.items === 'object' && !Array.isArray(one.items) ? one.items : undefined;
    const inner = items?.properties
      ? fieldRows(items, `${path}${name}[].`)
      : fieldRows(one, `${path}${name}.`);
    const { description = '' } = one;
    return [`| \`${path}${name}\` | ${typeOf(one)}${optional} | ${description} |`, ...inner];
  });
}

function typeOf(schema: Schema): string {
  const { type, items, anyOf } = schema;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((one) => `\`${String(one)}\``).join(', ');
  if (anyOf) return anyOf.map((one) => typeOf(Object(one))).join(' or ');
  if (type === 'array') return `list of ${plural(typeOf(Object(items)))}`;
  return [type]
    .flat()
    .map((one) => (one === 'object' ? 'map' : String(one)))
    .join(' or ');
}

const plural = (type: string): string => type.replace(/^(\w+)/, '$1s');
