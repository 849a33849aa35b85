/**
 * The pivot of a release, by the names of its states. A release is released once its execution has entered the state
 * behind the pivot: an execution's history is the one place where that is decided in one instant for all targets.
 */
export const PIVOT = { publish: 'Publish release', behind: 'Announce release' } as const;
