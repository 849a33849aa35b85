/** What an editor says of a YAML file by the JSON Schema that ships. */
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export type SchemaKind = 'factory' | 'image' | 'layer' | 'config';

const ROOT = join(import.meta.dirname, '..', '..');

const ajv = addFormats.default(
  new Ajv({ allErrors: true, strict: true, strictTypes: false, allowUnionTypes: true }),
);
const known = new Map<SchemaKind, ReturnType<typeof ajv.compile>>();

export function editorTakes(kind: SchemaKind, document: unknown): boolean {
  const validate =
    known.get(kind) ?? ajv.compile(JSON.parse(readFileSync(join(ROOT, 'schemas', `${kind}.json`), 'utf8')));
  known.set(kind, validate);
  return validate(document) === true;
}

/** The path of the schema that a file names in its first line. */
export const schemaOf = (text: string): string | undefined =>
  /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1];
