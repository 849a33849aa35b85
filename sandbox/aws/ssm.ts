import type {
  AddTagsToResourceCommandInput,
  DeleteParameterCommandInput,
  DeleteParametersCommandInput,
  DeleteParametersCommandOutput,
  DescribeParametersCommandInput,
  DescribeParametersCommandOutput,
  GetParameterCommandInput,
  GetParameterCommandOutput,
  GetParameterHistoryCommandInput,
  GetParameterHistoryCommandOutput,
  GetParametersByPathCommandInput,
  GetParametersByPathCommandOutput,
  GetParametersCommandInput,
  GetParametersCommandOutput,
  LabelParameterVersionCommandInput,
  LabelParameterVersionCommandOutput,
  ListTagsForResourceCommandInput,
  ListTagsForResourceCommandOutput,
  Parameter as ParameterView,
  ParameterStringFilter,
  PutParameterCommandInput,
  PutParameterCommandOutput,
} from '@aws-sdk/client-ssm';
import { assumedRoleArn, type Context, type Done, type Output } from './context.ts';
import { awsError } from './errors.ts';
import { page, type Page } from './page.ts';
import { runCommand } from './run-command.ts';
import { compare, imageState, type Parameter, type ParameterVersion } from './world.ts';

const AMI = 'aws:ec2:image';
/** How long Parameter Store takes to look at an AMI after it has answered. */
const VALIDATION_MS = 2_000;
const VERSIONS_KEPT = 100;
const VALUE_LIMIT = 4_096;

const ssmError = (name: string, message: string): Error => awsError('ssm', name, message);
const notFound = (name: string): Error => ssmError('ParameterNotFound', `Parameter ${name} not found.`);

function putParameter(context: Context, input: PutParameterCommandInput): Output<PutParameterCommandOutput> {
  const { place, now } = context;
  const { Name: name = '', Value: value = '' } = input;
  checkName(name);
  if (value === '' || Buffer.byteLength(value) > VALUE_LIMIT) {
    throw ssmError(
      'ValidationException',
      'Standard tier parameters support a maximum parameter value of 4096 characters.',
    );
  }
  const existing = place.parameters.get(name) ?? place.unvalidated.get(name);
  if (existing !== undefined && input.Overwrite !== true) {
    throw ssmError(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    );
  }
  if (input.Overwrite === true && input.Tags !== undefined && input.Tags.length > 0) {
    throw ssmError(
      'ValidationException',
      "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag.",
    );
  }
  if (existing === undefined && input.Type === undefined) {
    throw ssmError('ValidationException', 'A parameter type is required when you create a parameter.');
  }
  const parameter: Parameter = existing ?? {
    name,
    type: input.Type ?? 'String',
    dataType: input.DataType ?? 'text',
    ...(input.Description === undefined ? {} : { description: input.Description }),
    tags: new Map(input.Tags?.map(({ Key = '', Value = '' }) => [Key, Value])),
    versions: [],
    issued: 0,
  };
  checkVersionLimit(parameter);
  const version: ParameterVersion = {
    version: ++parameter.issued,
    value,
    at: now,
    by: assumedRoleArn(context),
    labels: new Set(),
  };
  if ((input.DataType ?? parameter.dataType) !== AMI) {
    store(context, parameter, version);
  } else {
    if (existing === undefined) place.unvalidated.set(name, parameter);
    context.clock.after(VALIDATION_MS, () => {
      validate(context, parameter, version);
    });
  }
  return { Version: version.version, Tier: 'Standard' };
}

function checkName(name: string): void {
  if (!/^[a-zA-Z0-9_.\-/]{1,1011}$/.test(name) || (name.includes('/') && !name.startsWith('/'))) {
    throw ssmError('ValidationException', `Parameter name must be a fully qualified name. Got: ${name}`);
  }
  if (/^\/?(aws|ssm)/i.test(name)) {
    throw awsError('ssm', 'AccessDeniedException', `No access to reserved parameter name: ${name}.`);
  }
}

function checkVersionLimit({ name, versions }: Parameter): void {
  const [oldest] = versions;
  if (versions.length < VERSIONS_KEPT || oldest === undefined) return;
  if (oldest.labels.size === 0) {
    versions.shift();
    return;
  }
  throw ssmError(
    'ParameterMaxVersionLimitExceeded',
    `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. Version ${String(oldest.version)}, the oldest version, can't be deleted because it has a label associated with it.`,
  );
}

function store({ place }: Context, parameter: Parameter, version: ParameterVersion): void {
  place.parameters.set(parameter.name, parameter);
  parameter.versions.push(version);
}

/** Stores the value when its AMI exists for this account; else all that comes of it is an event. */
function validate(context: Context, parameter: Parameter, version: ParameterVersion): void {
  const { place, world, clock, accountId, region } = context;
  place.unvalidated.delete(parameter.name);
  const image = world.visibleImage(accountId, region, version.value);
  if (image !== undefined && imageState(image, clock.milliseconds()) === 'available') {
    const deleted = parameter.versions.length > 0 && place.parameters.get(parameter.name) !== parameter;
    if (!deleted) store(context, parameter, version);
    return;
  }
  world.events.push({
    at: clock.now().toISOString(),
    id: world.hex(`event/${String(world.events.length)}`, 32),
    accountId,
    region,
    source: 'aws.ssm',
    detailType: 'Parameter Store Change',
    detail: {
      exception: `Unable to Describe Resource. The image id '[${version.value}]' is not available to this account`,
      dataType: AMI,
      name: parameter.name,
      type: parameter.type,
      operation: 'Update',
    },
    eventBusName: 'default',
    resources: [arnOf(context, parameter.name)],
  });
}

const arnOf = ({ region, accountId }: Context, name: string): string =>
  `arn:aws:ssm:${region}:${name.startsWith('/aws/service/') ? '' : accountId}:parameter${name.startsWith('/') ? '' : '/'}${name}`;

/** The parameter a caller can read under a name, which may be an ARN and may end in `:version` or `:label`. */
function read(
  context: Context,
  wanted: string,
): { parameter: Parameter; version: ParameterVersion; selector: string } | undefined {
  const [, full = wanted] = /^arn:aws:ssm:[^:]*:[^:]*:parameter(\/.*)$/.exec(wanted) ?? [];
  const [name = '', selector = ''] = full.split(':');
  const parameter =
    context.place.parameters.get(name) ?? context.world.publicRegion(context.region).parameters.get(name);
  const version =
    selector === ''
      ? parameter?.versions.at(-1)
      : parameter?.versions.find(
          ({ version: number, labels }) => String(number) === selector || labels.has(selector),
        );
  return parameter === undefined || version === undefined ? undefined : { parameter, version, selector };
}

const view = (
  context: Context,
  { parameter, version, selector }: { parameter: Parameter; version: ParameterVersion; selector?: string },
): ParameterView => ({
  Name: parameter.name,
  Type: parameter.type,
  Value: version.value,
  Version: version.version,
  ...(selector === undefined || selector === '' ? {} : { Selector: `:${selector}` }),
  LastModifiedDate: new Date(version.at),
  ARN: arnOf(context, parameter.name),
  DataType: parameter.dataType,
});

function getParameter(context: Context, input: GetParameterCommandInput): Output<GetParameterCommandOutput> {
  const found = read(context, input.Name ?? '');
  if (found === undefined) throw notFound(input.Name ?? '');
  return { Parameter: view(context, found) };
}

function getParameters(
  context: Context,
  input: GetParametersCommandInput,
): Output<GetParametersCommandOutput> {
  const names = input.Names ?? [];
  if (names.length === 0 || names.length > 10) throw tooMany('names', names.length, 10);
  const found = names.map((name) => ({ name, found: read(context, name) }));
  return {
    Parameters: found.flatMap((entry) => (entry.found === undefined ? [] : [view(context, entry.found)])),
    InvalidParameters: found.flatMap((entry) => (entry.found === undefined ? [entry.name] : [])),
  };
}

const tooMany = (member: string, got: number, most: number): Error =>
  ssmError(
    'ValidationException',
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must have length less than or equal to ${String(most)} and greater than or equal to 1 (got ${String(got)})`,
  );

function getParametersByPath(
  context: Context,
  input: GetParametersByPathCommandInput,
): Output<GetParametersByPathCommandOutput> {
  const { Path: path = '', Recursive: recursive = false } = input;
  if (!path.startsWith('/')) {
    throw ssmError(
      'ValidationException',
      `The parameter path must be prefixed with a forward slash (/). Got: ${path}`,
    );
  }
  const source = path.startsWith('/aws/service')
    ? context.world.publicRegion(context.region).parameters
    : context.place.parameters;
  const matching = [...source.values()]
    .filter(({ name }) => isBelow(name, path, recursive))
    .sort((a, b) => compare(a.name, b.name));
  const { items, nextToken } = ssmPage(matching, input, 10, 10);
  return {
    Parameters: items.flatMap((parameter) => {
      const version = parameter.versions.at(-1);
      return version === undefined ? [] : [view(context, { parameter, version })];
    }),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function isBelow(name: string, path: string, recursive: boolean): boolean {
  const prefix = path.endsWith('/') ? path : `${path}/`;
  return name.startsWith(prefix) && (recursive || !name.slice(prefix.length).includes('/'));
}

function ssmPage<T>(
  all: readonly T[],
  request: { MaxResults?: number | undefined; NextToken?: string | undefined },
  standard: number,
  most: number,
): Page<T> {
  const { MaxResults: size = standard, NextToken: token, ...rest } = request;
  if (size < 1 || size > most) throw tooMany('maxResults', size, most);
  return page(all, size, token, rest, () =>
    ssmError('InvalidNextToken', 'The specified token is not valid.'),
  );
}

function deleteParameter({ place }: Context, input: DeleteParameterCommandInput): Done {
  const name = input.Name ?? '';
  if (!place.parameters.delete(name)) throw notFound(name);
  return {};
}

function deleteParameters(
  { place }: Context,
  input: DeleteParametersCommandInput,
): Output<DeleteParametersCommandOutput> {
  const names = input.Names ?? [];
  if (names.length === 0 || names.length > 10) throw tooMany('names', names.length, 10);
  const results = names.map((name) => ({ name, deleted: place.parameters.delete(name) }));
  return {
    DeletedParameters: results.filter(({ deleted }) => deleted).map(({ name }) => name),
    InvalidParameters: results.filter(({ deleted }) => !deleted).map(({ name }) => name),
  };
}

function getParameterHistory(
  { place }: Context,
  input: GetParameterHistoryCommandInput,
): Output<GetParameterHistoryCommandOutput> {
  const parameter = place.parameters.get(input.Name ?? '');
  if (parameter === undefined) throw notFound(input.Name ?? '');
  const { items, nextToken } = ssmPage(parameter.versions, input, 50, 50);
  return {
    Parameters: items.map((version) => ({
      Name: parameter.name,
      Type: parameter.type,
      DataType: parameter.dataType,
      Value: version.value,
      Version: version.version,
      LastModifiedDate: new Date(version.at),
      LastModifiedUser: version.by,
      Labels: [...version.labels],
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function describeParameters(
  context: Context,
  input: DescribeParametersCommandInput,
): Output<DescribeParametersCommandOutput> {
  const tests = (input.ParameterFilters ?? []).map(parameterFilter);
  const matching = [...context.place.parameters.values()]
    .filter((parameter) => tests.every((test) => test(parameter)))
    .sort((a, b) => compare(a.name, b.name));
  const { items, nextToken } = ssmPage(matching, input, 10, 50);
  return {
    Parameters: items.map((parameter) => ({
      Name: parameter.name,
      ARN: arnOf(context, parameter.name),
      Type: parameter.type,
      DataType: parameter.dataType,
      Version: parameter.versions.at(-1)?.version,
      LastModifiedDate: new Date(parameter.versions.at(-1)?.at ?? 0),
      LastModifiedUser: parameter.versions.at(-1)?.by,
      Tier: 'Standard',
      ...(parameter.description === undefined ? {} : { Description: parameter.description }),
    })),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

function parameterFilter({
  Key: key = '',
  Option: option,
  Values: values = [],
}: ParameterStringFilter): (parameter: Parameter) => boolean {
  if (key === 'Path') {
    return ({ name }) => values.some((path) => isBelow(name, path, option === 'Recursive'));
  }
  const valueOf = key.startsWith('tag:')
    ? ({ tags }: Parameter) => tags.get(key.slice(4))
    : {
        Name: ({ name }: Parameter) => name,
        Type: ({ type }: Parameter) => type,
        DataType: ({ dataType }: Parameter) => dataType,
      }[key];
  if (valueOf === undefined) {
    throw ssmError('InvalidFilterKey', `The following filter key is not valid: ${key}.`);
  }
  return (parameter) => {
    const value = valueOf(parameter);
    if (value === undefined) return false;
    return values.some((wanted) =>
      option === 'BeginsWith'
        ? value.startsWith(wanted)
        : option === 'Contains'
          ? value.includes(wanted)
          : value === wanted,
    );
  };
}

function parameterOfResource({ place }: Context, type: string | undefined, id: string): Parameter {
  const parameter = place.parameters.get(id);
  if (type !== 'Parameter' || parameter === undefined) {
    throw ssmError('InvalidResourceId', `The resource ID "${id}" is not valid. Verify the ID and try again.`);
  }
  return parameter;
}

function addTagsToResource(context: Context, input: AddTagsToResourceCommandInput): Done {
  const { tags } = parameterOfResource(context, input.ResourceType, input.ResourceId ?? '');
  for (const { Key = '', Value = '' } of input.Tags ?? []) tags.set(Key, Value);
  return {};
}

function listTagsForResource(
  context: Context,
  input: ListTagsForResourceCommandInput,
): Output<ListTagsForResourceCommandOutput> {
  const { tags } = parameterOfResource(context, input.ResourceType, input.ResourceId ?? '');
  return { TagList: [...tags].map(([Key, Value]) => ({ Key, Value })) };
}

function labelParameterVersion(
  { place }: Context,
  input: LabelParameterVersionCommandInput,
): Output<LabelParameterVersionCommandOutput> {
  const parameter = place.parameters.get(input.Name ?? '');
  if (parameter === undefined) throw notFound(input.Name ?? '');
  const version =
    input.ParameterVersion === undefined
      ? parameter.versions.at(-1)
      : parameter.versions.find(({ version: number }) => number === input.ParameterVersion);
  if (version === undefined) {
    throw ssmError(
      'ParameterVersionNotFound',
      `Systems Manager could not find version ${String(input.ParameterVersion)} of ${parameter.name}. Verify the version and try again.`,
    );
  }
  for (const label of input.Labels ?? []) {
    for (const other of parameter.versions) other.labels.delete(label);
    version.labels.add(label);
  }
  if (version.labels.size > 10) {
    throw ssmError(
      'ParameterVersionLabelLimitExceeded',
      'A parameter version can have a maximum of ten labels.',
    );
  }
  return { InvalidLabels: [], ParameterVersion: version.version };
}

export const ssm = {
  AddTagsToResource: addTagsToResource,
  DeleteParameter: deleteParameter,
  DeleteParameters: deleteParameters,
  DescribeParameters: describeParameters,
  GetParameter: getParameter,
  GetParameterHistory: getParameterHistory,
  GetParameters: getParameters,
  GetParametersByPath: getParametersByPath,
  LabelParameterVersion: labelParameterVersion,
  ListTagsForResource: listTagsForResource,
  PutParameter: putParameter,
  ...runCommand,
};
