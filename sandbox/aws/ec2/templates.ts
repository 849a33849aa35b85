import type {
  CreateLaunchTemplateCommandInput,
  CreateLaunchTemplateCommandOutput,
  CreateLaunchTemplateVersionCommandInput,
  CreateLaunchTemplateVersionCommandOutput,
  DeleteLaunchTemplateCommandInput,
  DeleteLaunchTemplateCommandOutput,
  DescribeLaunchTemplatesCommandInput,
  DescribeLaunchTemplatesCommandOutput,
  DescribeLaunchTemplateVersionsCommandInput,
  DescribeLaunchTemplateVersionsCommandOutput,
  LaunchTemplate as TemplateView,
  LaunchTemplateVersion,
  RequestLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import { assumedRoleArn, type Context, type Output } from '../context.ts';
import { applyFilters, byIds, ec2Error, ec2Page, tagList, tagsFor } from './requests.ts';
import { compare, type LaunchTemplate } from '../world.ts';

function createLaunchTemplate(
  context: Context,
  input: CreateLaunchTemplateCommandInput,
): Output<CreateLaunchTemplateCommandOutput> {
  const { place, world, now } = context;
  const name = input.LaunchTemplateName ?? '';
  if ([...place.launchTemplates.values()].some((template) => template.name === name)) {
    throw ec2Error(
      'InvalidLaunchTemplateName.AlreadyExistsException',
      `Launch template name already in use.`,
    );
  }
  const template: LaunchTemplate = {
    launchTemplateId: world.id(place, 'lt'),
    name,
    createdAt: now,
    createdBy: assumedRoleArn(context),
    defaultVersion: 1,
    versions: [],
    tags: tagsFor(input.TagSpecifications, 'launch-template'),
  };
  addVersion(template, now, input.LaunchTemplateData);
  place.launchTemplates.set(template.launchTemplateId, template);
  return { LaunchTemplate: templateView(template) };
}

function addVersion(
  template: LaunchTemplate,
  at: number,
  data: RequestLaunchTemplateData | undefined,
): LaunchTemplate['versions'][number] {
  const version = {
    number: (template.versions.at(-1)?.number ?? 0) + 1,
    createdAt: at,
    ...(data?.ImageId === undefined ? {} : { imageId: data.ImageId }),
    ...(data?.InstanceType === undefined ? {} : { instanceType: data.InstanceType }),
    ...(data === undefined ? {} : { data }),
  };
  template.versions.push(version);
  return version;
}

function createLaunchTemplateVersion(
  context: Context,
  input: CreateLaunchTemplateVersionCommandInput,
): Output<CreateLaunchTemplateVersionCommandOutput> {
  const template = find(context, input);
  const version = addVersion(template, context.now, input.LaunchTemplateData);
  return { LaunchTemplateVersion: versionView(template, version) };
}

const noSuchTemplate = (id: string): Error =>
  ec2Error(
    'InvalidLaunchTemplateId.NotFound',
    `The specified launch template, with template ID ${id}, does not exist.`,
  );

export function find(
  { place }: Context,
  input: { LaunchTemplateId?: string | undefined; LaunchTemplateName?: string | undefined },
): LaunchTemplate {
  for (const template of place.launchTemplates.values()) {
    if (template.launchTemplateId === input.LaunchTemplateId || template.name === input.LaunchTemplateName) {
      return template;
    }
  }
  if (input.LaunchTemplateId !== undefined) throw noSuchTemplate(input.LaunchTemplateId);
  throw ec2Error(
    'InvalidLaunchTemplateName.NotFoundException',
    `The specified launch template, with template name ${input.LaunchTemplateName ?? ''}, does not exist.`,
  );
}

function describeLaunchTemplates(
  { place }: Context,
  input: DescribeLaunchTemplatesCommandInput,
): Output<DescribeLaunchTemplatesCommandOutput> {
  const candidates =
    input.LaunchTemplateIds === undefined
      ? [...place.launchTemplates.values()].sort((a, b) => compare(a.launchTemplateId, b.launchTemplateId))
      : byIds(place.launchTemplates, input.LaunchTemplateIds, noSuchTemplate);
  const named = candidates.filter(
    ({ name }) => input.LaunchTemplateNames === undefined || input.LaunchTemplateNames.includes(name),
  );
  const matching = applyFilters(named, input.Filters, { 'launch-template-name': ({ name }) => [name] });
  const { items, nextToken } = ec2Page(matching, input, { least: 1, most: 200 });
  return {
    LaunchTemplates: items.map(templateView),
    ...(nextToken === undefined ? {} : { NextToken: nextToken }),
  };
}

const templateView = (template: LaunchTemplate): TemplateView => ({
  LaunchTemplateId: template.launchTemplateId,
  LaunchTemplateName: template.name,
  CreateTime: new Date(template.createdAt),
  CreatedBy: template.createdBy,
  DefaultVersionNumber: template.defaultVersion,
  LatestVersionNumber: template.versions.at(-1)?.number ?? 1,
  Tags: tagList(template.tags),
});

/** Without a template, only the `$Latest` and `$Default` versions of all of them, as at EC2. */
function describeLaunchTemplateVersions(
  context: Context,
  input: DescribeLaunchTemplateVersionsCommandInput,
): Output<DescribeLaunchTemplateVersionsCommandOutput> {
  const one = input.LaunchTemplateId !== undefined || input.LaunchTemplateName !== undefined;
  if (!one && !(input.Versions ?? []).every((version) => version === '$Latest' || version === '$Default')) {
    throw ec2Error('MissingParameter', 'Either LaunchTemplateId or LaunchTemplateName is required.');
  }
  const templates = one ? [find(context, input)] : [...context.place.launchTemplates.values()];
  const versions = templates.flatMap((template) =>
    [...template.versions]
      .reverse()
      .filter((version) => isWanted(template, version.number, input.Versions))
      .map((version) => versionView(template, version)),
  );
  const { items, nextToken } = ec2Page(versions, input, { least: 1, most: 200 });
  return { LaunchTemplateVersions: items, ...(nextToken === undefined ? {} : { NextToken: nextToken }) };
}

function isWanted(template: LaunchTemplate, number: number, wanted: readonly string[] | undefined): boolean {
  if (wanted === undefined || wanted.length === 0) return true;
  return wanted.some((version) =>
    version === '$Latest'
      ? number === template.versions.at(-1)?.number
      : version === '$Default'
        ? number === template.defaultVersion
        : Number(version) === number,
  );
}

const versionView = (
  template: LaunchTemplate,
  version: LaunchTemplate['versions'][number],
): LaunchTemplateVersion => ({
  LaunchTemplateId: template.launchTemplateId,
  LaunchTemplateName: template.name,
  VersionNumber: version.number,
  CreateTime: new Date(version.createdAt),
  DefaultVersion: version.number === template.defaultVersion,
  LaunchTemplateData: {
    ...(version.imageId === undefined ? {} : { ImageId: version.imageId }),
    ...(version.instanceType === undefined ? {} : { InstanceType: version.instanceType }),
  },
});

function deleteLaunchTemplate(
  context: Context,
  input: DeleteLaunchTemplateCommandInput,
): Output<DeleteLaunchTemplateCommandOutput> {
  const template = find(context, input);
  context.place.launchTemplates.delete(template.launchTemplateId);
  return { LaunchTemplate: templateView(template) };
}

export const templateOperations = {
  DeleteLaunchTemplate: deleteLaunchTemplate,
  CreateLaunchTemplate: createLaunchTemplate,
  CreateLaunchTemplateVersion: createLaunchTemplateVersion,
  DescribeLaunchTemplates: describeLaunchTemplates,
  DescribeLaunchTemplateVersions: describeLaunchTemplateVersions,
};
