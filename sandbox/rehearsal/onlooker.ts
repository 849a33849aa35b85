import { SFNClient } from '@aws-sdk/client-sfn';
import type { Target } from '../../core/contract/targets.ts';
import type { Sandbox } from '../sandbox.ts';

/** A role of every account, for somebody who looks at what a rehearsal has left, with the rights that docs/seeing.md asks for. */
export const ONLOOKER = 'onlooker';

const MAY =
  /^(sts:.*|sfn:(ListExecutions|GetExecutionHistory|DescribeExecution)|s3:(GetObject|ListObjectsV2)|ssm:GetParameters|ec2:(DescribeInstances|DescribeImages))$/;

/** Returns the client with which they come, in the hub. */
export function addOnlooker(sandbox: Sandbox, targets: readonly Target[]): SFNClient {
  const { hub, world } = sandbox;
  const accounts = new Set([hub, ...targets].map(({ accountId }) => accountId));
  for (const accountId of accounts) {
    const trusts = accountId === hub.accountId ? [] : [hub.accountId];
    const role = { accountId, name: ONLOOKER, trusts, allows: MAY, destroysTaggedOnly: false };
    world.roles.set(`${accountId}/${ONLOOKER}`, role);
  }
  return new SFNClient({ region: hub.region, credentials: sandbox.issue(hub.accountId, ONLOOKER, ONLOOKER) });
}
