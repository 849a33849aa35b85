/** Builders that outlive their bake on purpose: docs/decisions/kept-builders.md. */
import type { Instance } from '@aws-sdk/client-ec2';
import { TAGS } from '../contract/tags.ts';
import { type Target, targetName } from '../contract/targets.ts';

/** The builder of a bake that failed, left for somebody to look at. */
export interface KeptBuilder {
  readonly instanceId: string;
  /** ISO 8601. Then it ends itself. */
  readonly until: string;
}

/** Whether what undoes a bake leaves a builder alone that is kept until then. */
export type Spares = (until: string) => boolean;

/** Those whose time has not come at an instant, ISO 8601. A time that nobody can read has come. */
export const keptAfter =
  (instant: string): Spares =>
  (until) =>
    Date.parse(until) > Date.parse(instant);

/** A rollback is the end of the very release: whatever its own bakes have kept, and still is there, is for somebody to look at. */
export const sparesAll: Spares = () => true;

/** Of one that was asked to leave nothing. */
export const sparesNone: Spares = () => false;

/** Those of some instances that say so and still are there to be looked at. */
export function keptAmong(instances: readonly Instance[]): KeptBuilder[] {
  return instances.flatMap(({ InstanceId = '', State, Tags = [] }) => {
    const until = Tags.find(({ Key }) => Key === TAGS.keptUntil)?.Value;
    const isThere = State?.Name === 'running' || State?.Name === 'stopping' || State?.Name === 'stopped';
    return until === undefined || !isThere ? [] : [{ instanceId: InstanceId, until }];
  });
}

/** What somebody who wants to look at it needs: in one line. */
export const tellKept = ({ instanceId, until }: KeptBuilder, target: Target, releaseId: string): string =>
  `${targetName(target)}: the builder ${instanceId} is kept until ${until}, to be looked at by: aws ssm start-session --region ${target.region} ` +
  `--target ${instanceId} (packleader sweep ${releaseId} removes it sooner)`;
