/**
 * What the doctor looks at once in every target account: the roles, the project and what it pins, how many builds may run, and
 * the builders' instance profiles.
 */
import { CodeBuildClient } from '@aws-sdk/client-codebuild';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { NAMES, roleArn } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { concurrencyCheck } from './bakes/concurrency.ts';
import { profileChecks } from './bakes/instance-profiles.ts';
import { type LookedFor, findProject, toolChecks } from './bakes/pinned-tools.ts';
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
  /** Whether AMIs are copied into it, or from it into another account. */
  readonly copies: boolean;
}

export async function examineAccount(
  session: Session,
  hub: Target,
  { builds, bakes, copies }: AccountNeeds,
  { fetchTool, required }: LookedFor,
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
    ...[...ROLES, ...(copies ? [NAMES.copierRole] : [])].map((role): Check => [
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
    concurrencyCheck(config, found, builds, deploy),
    ...toolChecks(place, bakes, found, { fetchTool, required }),
    ...reachCheck(place, bakes, found),
    ...profileChecks(iam, place, bakes),
  ];
  if (session.as === 'nobody') {
    const verdict = notChecked('no access to the account', session.verdict.todo);
    return [access, ...checks.map(([check]) => ({ place, check, ...verdict }))];
  }
  return [access, ...(await examineAll(place, checks))];
}

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
