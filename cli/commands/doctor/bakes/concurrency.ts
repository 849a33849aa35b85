/** How many builds may run at the same time in one account. What is above it waits, for as long as the longest bake may take. */
import type { Project } from '@aws-sdk/client-codebuild';
import {
  ServiceQuotasClient,
  type ServiceQuotasClientConfig,
  paginateListServiceQuotas,
} from '@aws-sdk/client-service-quotas';
import { type Check, type Verdict, failed, notChecked, ok } from '../finding.ts';

/** @param found the project whose environment counts; undefined where there is none */
export function concurrencyCheck(
  config: ServiceQuotasClientConfig,
  found: Promise<Project | undefined>,
  builds: number,
  deploy: string,
): Check {
  return [
    'CodeBuild concurrency',
    'codebuild:BatchGetProjects and servicequotas:ListServiceQuotas',
    async () => concurrency(new ServiceQuotasClient(config), await found, builds, deploy),
  ];
}

/** Service Quotas names an environment by its platform and its size: `ARM/Small`. */
const PLATFORMS: Readonly<Record<string, string>> = { ARM_CONTAINER: 'ARM', LINUX_CONTAINER: 'Linux' };

/** @see https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html */
async function concurrency(
  quotas: ServiceQuotasClient,
  project: Project | undefined,
  builds: number,
  deploy: string,
): Promise<Verdict> {
  if (!project?.environment) return notChecked('the project’s compute type is not known', deploy);
  const { type = '', computeType = '' } = project.environment;
  const size = computeType.replace('BUILD_GENERAL1_', '').toLowerCase();
  const environment = `${PLATFORMS[type] ?? type}/${size}`;
  const wanted = `concurrently running builds for ${environment} environment`.toLowerCase();
  for await (const { Quotas = [] } of paginateListServiceQuotas(
    { client: quotas },
    { ServiceCode: 'codebuild' },
  )) {
    const value = Quotas.find(({ QuotaName = '' }) => QuotaName.toLowerCase() === wanted)?.Value;
    if (value === undefined) continue;
    const seen = `${value} at once for ${environment}, ${builds} wanted`;
    return value >= builds
      ? ok(seen)
      : failed(seen, `raise the quota "${wanted}" in ${project.arn?.split(':')[3] ?? 'the hub’s region'}`);
  }
  return notChecked(
    `Service Quotas lists no quota for ${environment}`,
    'look it up in the Service Quotas console',
  );
}
