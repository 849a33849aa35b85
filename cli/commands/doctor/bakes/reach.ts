/** Whether builds can reach a builder that has no other address than its private one. */
import type { Project } from '@aws-sdk/client-codebuild';
import { type Check, type Verdict, failed, notChecked, ok } from '../finding.ts';
import { type PlannedBake, imagesOf } from './planned-bakes.ts';

export function reachCheck(
  accountId: string,
  bakes: readonly PlannedBake[],
  found: Promise<Project | undefined>,
): Check[] {
  const inside = bakes.filter(({ reachedBy }) => reachedBy === 'private_ip');
  return inside.length === 0 ? [] : [['VPC of bakes', 'codebuild:BatchGetProjects', async () => runsInVpc()]];

  async function runsInVpc(): Promise<Verdict> {
    const deploy = `deploy the stack packleader-target-${accountId}`;
    const project = await found;
    if (!project) return notChecked('there is no project that could be in one', deploy);
    const vpcId = project.vpcConfig?.vpcId;
    return vpcId === undefined || vpcId === ''
      ? failed(
          `the builders of ${imagesOf(inside)} are reached at a private address, but builds in ${accountId} run in no VPC`,
          `name the VPC of ${accountId} in bakeVpcs of packleader.config, and ${deploy}`,
        )
      : ok(vpcId);
  }
}
