import { NAMES } from '../../core/contract/names.ts';

/**
 * Fixed, because a target account trusts the hub's roles by name: an account principal with a condition on the role's ARN may
 * be deployed before that role exists, in any order, and survives the role being made anew. A role as the principal itself
 * would do neither.
 */
export const BAKE_BATCH_ROLE = NAMES.bakeBatchMachine;

export const taskRole = (file: string) => `packleader-task-${file}`;
export const triggerRole = (file: string) => `${NAMES.triggerRoles}${file}`;
export const tellingRole = (file: string) => `packleader-telling-${file}`;

/** The trigger that acts in target accounts too: it looks for newer source AMIs. */
export const SCHEDULED_REBUILD = 'scheduled-rebuild';
