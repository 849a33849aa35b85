/**
 * The JSON Schemas of the files that people write, for editors: made of the schemas that read the files. `npm run docs` writes
 * them to schemas/, and every YAML file names its own in its first line.
 *
 * An editor sees one file at a time, so a schema can only be laxer than packleader, never stricter: what depends on another
 * file, or on two values together, is for `packleader validate` to say.
 */
import * as z from 'zod';
import { EVENTS } from '../core/contract/events.ts';
import { NAMES } from '../core/contract/names.ts';
import { deploymentSchema } from '../core/configuration/deployment-settings.ts';
import { factorySchema, imageSchema } from '../core/configuration/factory.ts';
import { settingsSchema } from '../core/configuration/settings.ts';
import { region, text } from '../core/configuration/documents/validation.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What a schema says of the files that people write. */
export const inputSchema = (schema: z.ZodType, options: z.core.ToJSONSchemaParams = {}): JsonSchema =>
  z.toJSONSchema(schema, {
    ...options,
    io: 'input',
    unrepresentable: 'any',
    // zod leaves the examples of what it transforms out, because they could be of the result; these are of what people write.
    override: ({ zodSchema, jsonSchema }) => {
      const examples = z.globalRegistry.get(zodSchema)?.['examples'];
      if (Array.isArray(examples)) jsonSchema.examples = examples;
    },
  });

/** Each schema as its file holds it, by the file's path in the repository. */
export function jsonSchemas(): ReadonlyMap<string, string> {
  const documents: readonly (readonly [string, string, JsonSchema])[] = [
    ['factory', 'factory.yaml of packleader', draft7(factorySchema)],
    ['image', 'image.yaml of packleader', draft7(imageSchema)],
    ['layer', 'A layer of packleader: config/*.yaml and images/*/config/*.yaml', layerSchema()],
    ['config', 'packleader.config', draft7(deploymentSchema)],
  ];
  return new Map(
    [...documents, ...eventDocuments()].map(([name, title, { $schema, ...schema }]) => [
      `schemas/${name}.json`,
      JSON.stringify({ $schema, title, ...schema }),
    ]),
  );
}

/** What listeners are told: an event may hold more than its schema names, because fields may be added. */
const eventDocuments = () =>
  EVENTS.map(({ name, file, when, detail }) => {
    const title = `The detail of "${name}", source ${NAMES.eventSource}`;
    return [
      `events/${file.replace(/\.json$/, '')}`,
      title,
      { description: when, ...draft7(detail) },
    ] as const;
  });

/** The draft that editors know best. */
const draft7 = (schema: z.ZodType): JsonSchema => inputSchema(schema, { target: 'draft-7' });

/** A layer may say any part of the settings, take a setting of a lower layer away with null, and narrow them to some targets. */
function layerSchema(): JsonSchema {
  const { $schema, properties } = partial(draft7(settingsSchema));
  const settings = { type: 'object', additionalProperties: false } as const;
  const only = (inner: JsonSchema, key: z.ZodType, description: string): JsonSchema => {
    const { $schema: _schema, ...propertyNames } = draft7(key);
    const map: JsonSchema = {
      type: 'object',
      propertyNames,
      additionalProperties: { anyOf: [inner, { type: 'null' }] },
    };
    return { description, anyOf: [map, { type: 'null' }] };
  };
  const inRegion = { $ref: '#/definitions/region' };
  const regions = only(inRegion, region, 'Settings for the targets in one region, by its name.');
  const accounts = only(
    { $ref: '#/definitions/account' },
    accountId,
    'Settings for the targets in one account, by its id in quotes.',
  );
  return {
    ...($schema !== undefined && { $schema }),
    ...settings,
    properties: { ...properties, regions, accounts },
    definitions: {
      region: { ...settings, properties: { ...properties } },
      account: { ...settings, properties: { ...properties, regions } },
    },
  };
}

const accountId = text(/^\d{12}$/, 'must be 12 digits');

/** The same maps with nothing required, and null for any value in them. A list is replaced whole, so it stays as it is. */
function partial(schema: JsonSchema): JsonSchema {
  const { required: _required, properties, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, orNull(one)])),
    }),
    ...(additionalProperties !== undefined && {
      additionalProperties:
        typeof additionalProperties === 'boolean' ? additionalProperties : orNull(additionalProperties),
    }),
  };
}

function orNull(schema: JsonSchema | boolean): JsonSchema | boolean {
  if (typeof schema === 'boolean') return schema;
  const { description, examples, default: byDefault, ...rest } = schema;
  // What can be anything can be null as well.
  if (Object.keys(rest).length === 0) return schema;
  return {
    ...(description !== undefined && { description }),
    ...(byDefault !== undefined && { default: byDefault }),
    ...(examples !== undefined && { examples }),
    anyOf: [partial(rest), { type: 'null' }],
  };
}
