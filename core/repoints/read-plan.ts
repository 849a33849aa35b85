import * as z from 'zod';
import {
  type MarkedAmi,
  type PointedImage,
  type PointedTarget,
  type RepointPlan,
  repointPlanSchema,
} from '../contract/repoints.ts';
import { type Place, readJson } from '../releases/plan-store.ts';

/** Where a state of `packleader-repoint` finds its plan. */
export const plannedRepointSchema = z.object({ plan: z.object({ bucket: z.string(), key: z.string() }) });

export async function readRepointPlan(place: Place): Promise<RepointPlan> {
  return repointPlanSchema.parse(await readJson(place));
}

/** Every AMI that a plan changes. */
export const amisIn = ({ versions }: RepointPlan): MarkedAmi[] => versions.flatMap(({ amis }) => amis);

/** Every `latest` that a plan changes. */
export const latestIn = ({
  latest,
}: RepointPlan): (PointedTarget & Pick<PointedImage, 'image' | 'version'>)[] =>
  latest.flatMap(({ image, version, targets }) => targets.map((target) => ({ image, version, ...target })));
