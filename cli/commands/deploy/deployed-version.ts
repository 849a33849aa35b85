/** Which packleader deployed a hub. */
import { ListTagsForResourceCommand, SFNClient } from '@aws-sdk/client-sfn';
import { NAMES, TAG_OF_DEPLOYMENT } from '../../../core/contract/names.ts';
import type { Target } from '../../../core/contract/targets.ts';
import { machineArn } from '../../../client/hub.ts';

export interface Deployed {
  /** False when the caller may not look; the CDK may, by a role of its own. */
  readonly seen: boolean;
  /** Undefined when there is no hub yet, or one from before it said so. */
  readonly version: string | undefined;
}

/** What the release machine's tag says. */
export async function deployedVersion(
  hub: Target,
  profile: string | undefined,
  client: SFNClient = new SFNClient({ region: hub.region, ...(profile !== undefined && { profile }) }),
): Promise<Deployed> {
  try {
    const { tags = [] } = await client.send(
      new ListTagsForResourceCommand({ resourceArn: machineArn(hub, NAMES.releaseMachine) }),
    );
    return { seen: true, version: tags.find(({ key }) => key === TAG_OF_DEPLOYMENT)?.value };
  } catch (error) {
    return { seen: error instanceof Error && error.name === 'ResourceNotFound', version: undefined };
  }
}
