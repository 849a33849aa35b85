import type { RepointPlan } from '../contract/repoints.ts';
import { STATES } from '../contract/tags.ts';

/** What the AMIs of a plan are marked as. */
export const stateAfter = ({ action }: Pick<RepointPlan, 'action'>): string =>
  action === 'restore' ? STATES.released : STATES.revoked;
