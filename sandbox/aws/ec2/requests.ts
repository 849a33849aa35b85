/** What the operations of EC2 share: filters, tags in requests, pages and the errors for ids. */
import type { Filter, Tag, TagSpecification } from '@aws-sdk/client-ec2';
import { awsError } from '../errors.ts';
import { page, type Page } from '../page.ts';
import type { Tags } from '../world.ts';

export const ec2Error = (name: string, message: string): Error => awsError('ec2', name, message);

export const iso = (at: number): string => new Date(at).toISOString();

export const tagList = (tags: Tags): Tag[] => [...tags].map(([Key, Value]) => ({ Key, Value }));

const TAG_LIMIT = 50;

/** Adds tags the way CreateTags does: 50 a resource, keys of 128 characters, values of 256, none of AWS's own. */
export function addTags(tags: Tags, added: readonly Tag[] | undefined): void {
  const next = new Map(tags);
  for (const { Key: key = '', Value: value = '' } of added ?? []) {
    if (key === '') throw ec2Error('InvalidParameterValue', 'Tag key cannot be empty.');
    if (key.startsWith('aws:')) {
      throw ec2Error(
        'InvalidParameterValue',
        `Value ( ${key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use`,
      );
    }
    if (key.length > 128)
      throw ec2Error('InvalidParameterValue', `Tag key exceeds the maximum length of 128 characters`);
    if (value.length > 256) {
      throw ec2Error('InvalidParameterValue', `Tag value exceeds the maximum length of 256 characters`);
    }
    next.set(key, value);
  }
  if (next.size > TAG_LIMIT) {
    throw ec2Error('TagLimitExceeded', 'The maximum number of Tags for a resource has been reached.');
  }
  for (const [key, value] of next) tags.set(key, value);
}

export function tagsFor(specifications: TagSpecification[] | undefined, resourceType: string): Tags {
  const tags: Tags = new Map();
  for (const specification of specifications ?? []) {
    if (specification.ResourceType === resourceType) addTags(tags, specification.Tags);
  }
  return tags;
}

/** The values of one filter name for one thing; undefined when EC2 does not know the name. */
export type FilterValues<T> = Record<string, (thing: T) => readonly (string | undefined)[]>;

/**
 * Applies filters as EC2 does: all of them must match, any of a filter's values will do, `*` and `?` are wildcards,
 * and case matters.
 */
export function applyFilters<T extends { readonly tags: Tags }>(
  things: readonly T[],
  filters: readonly Filter[] | undefined,
  known: FilterValues<T>,
): T[] {
  const tests = (filters ?? []).map(({ Name: name = '', Values: values = [] }) => {
    const valuesOf = name.startsWith('tag:')
      ? ({ tags }: T) => [tags.get(name.slice(4))]
      : name === 'tag-key'
        ? ({ tags }: T) => [...tags.keys()]
        : known[name];
    if (valuesOf === undefined) throw ec2Error('InvalidParameterValue', `The filter '${name}' is invalid`);
    const patterns = values.map(pattern);
    return (thing: T) =>
      valuesOf(thing).some((value) => value !== undefined && patterns.some((wanted) => wanted(value)));
  });
  return things.filter((thing) => tests.every((test) => test(thing)));
}

function pattern(wanted: string): (value: string) => boolean {
  if (!/[*?\\]/.test(wanted)) return (value) => value === wanted;
  const source = wanted.replace(/\\([*?\\])|[*?]|[.+^${}()|[\]\\]/g, (found, escaped: string | undefined) =>
    escaped !== undefined ? `\\${escaped}` : found === '*' ? '.*' : found === '?' ? '.' : `\\${found}`,
  );
  const expression = new RegExp(`^${source}$`, 's');
  return (value) => expression.test(value);
}

interface PagedRequest {
  readonly MaxResults?: number | undefined;
  readonly NextToken?: string | undefined;
}

/**
 * EC2 itself returns up to 1,000 things to a call without MaxResults. Here a page is smaller, so that whoever reads the
 * first one only is found out by a small test; EC2 never promised the size of a page.
 */
const DEFAULT_PAGE_SIZE = 25;

export function ec2Page<T>(
  all: readonly T[],
  request: PagedRequest,
  limits: { least: number; most: number } = { least: 5, most: 1_000 },
): Page<T> {
  const { MaxResults: size, NextToken: token, ...rest } = request;
  if (size !== undefined && (size < limits.least || size > limits.most)) {
    throw ec2Error(
      'InvalidParameterValue',
      `Value ( ${String(size)} ) for parameter maxResults is invalid. Expecting a value between ${String(limits.least)} and ${String(limits.most)}.`,
    );
  }
  return page(all, size ?? DEFAULT_PAGE_SIZE, token, rest, () =>
    ec2Error('InvalidPaginationToken', 'The specified pagination token is not valid or is expired.'),
  );
}

/** The things of these ids, all of which must exist. */
export function byIds<T>(
  things: ReadonlyMap<string, T>,
  ids: readonly string[],
  missing: (id: string) => Error,
): T[] {
  return ids.map((id) => {
    const thing = things.get(id);
    if (thing === undefined) throw missing(id);
    return thing;
  });
}
