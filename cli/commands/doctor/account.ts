/**
 * What the doctor looks at once in every target account: the roles, the project and what it pins, how many builds may run, and
 * the builders' instance profiles.
 */
import { CodeBuildClient, type Project } from '@aws-sdk/client-codebuild';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { ServiceQuotasClient, paginateListServiceQuotas } from '@aws-sdk/client-service-quotas';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { profileChecks } from './bakes/instance-profiles.ts';
import { type FetchTool, findProject, toolChecks } from './bakes/pinned-tools.ts';
import type { PlannedBake } from './bakes/planned-bakes.ts';
import { reachCheck } from './bakes/reach.ts';
import {
  type Check,
  type Finding,
  type Verdict,
  examineAll,
  failed,
  nameOf,
  notChecked,
  ok,
} from './finding.ts';
import { type Session, configOf } from './sessions.ts';
import { whyNotTrusted } from './trust.ts';

const ROLES = [NAMES.stewardRole, NAMES.orchestratorRole, NAMES.bakeRole];

/** What is asked of an account. */
export interface AccountNeeds {
  /** How many bakes of one image run there at the same time. */
  readonly builds: number;
  /** Of all of its targets. */
  readonly bakes: readonly PlannedBake[];
}

export async function examineAccount(
  session: Session,
  hub: Target,
  { builds, bakes }: AccountNeeds,
  fetchTool: FetchTool,
): Promise<Finding[]> {
  const place = session.accountId;
  const deploy = `deploy the stack packleader-target-${place}`;
  const config = configOf(session, hub.region);
  const iam = new IAMClient(config);
  const access: Finding = { place, check: 'access', ...session.verdict };
  // Several look at the project; that one of them may not read it must not hide what the others find.
  const found =
    session.as === 'nobody'
      ? Promise.resolve(undefined)
      : findProject(new CodeBuildClient(config), NAMES.bakeProject);
  found.catch(() => undefined);
  const checks: Check[] = [
    ...ROLES.map((role): Check => [
      `role ${role}`,
      'iam:GetRole',
      async () =>
        session.as === 'steward' && role === NAMES.stewardRole
          ? ok('was assumed')
          : roleTrusts(iam, role, session.accountId, hub, deploy),
    ]),
    [
      `project ${NAMES.bakeProject}`,
      'codebuild:BatchGetProjects',
      async () => {
        const { environment } = (await found) ?? {};
        if (!environment) return failed(`there is no project ${NAMES.bakeProject} in ${hub.region}`, deploy);
        return ok(`${environment.type} ${environment.computeType} in ${hub.region}`);
      },
    ],
    [
      CONCURRENCY,
      'codebuild:BatchGetProjects and servicequotas:ListServiceQuotas',
      async () => concurrency(new ServiceQuotasClient(config), await found, builds, deploy),
    ],
    ...toolChecks(place, bakes, found, fetchTool),
    ...reachCheck(place, bakes, found),
    ...profileChecks(iam, place, bakes),
  ];
  if (session.as === 'nobody') {
    const verdict = notChecked('no access to the account', session.verdict.todo);
    return [access, ...checks.map(([check]) => ({ place, check, ...verdict }))];
  }
  return [access, ...(await examineAll(place, checks))];
}

const CONCURRENCY = 'CodeBuild concurrency';

async function roleTrusts(
  iam: IAMClient,
  role: string,
  accountId: string,
  hub: Target,
  deploy: string,
): Promise<Verdict> {
  try {
    const { Role } = await iam.send(new GetRoleCommand({ RoleName: role }));
    const why = whyNotTrusted(role, Role?.AssumeRolePolicyDocument ?? '', hub);
    return why === undefined ? ok(roleArn(accountId, role)) : failed(why, deploy);
  } catch (error) {
    if (nameOf(error) === 'NoSuchEntityException' || nameOf(error) === 'NoSuchEntity')
      return failed(`there is no role ${role}`, deploy);
    throw error;
  }
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
