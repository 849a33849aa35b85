/** Builders that are kept on purpose, and for no longer. */
import { initialise, insteadOfCalling, setProperty } from '../operators.ts';
import type { MutationSite } from '../site.ts';

const KEPT = /^a kept builder/;

export const KEPT_SITES: readonly MutationSite[] = [
  {
    file: 'core/amis/undo-bake.ts',
    within: 'undoBake',
    does: initialise('look', '() => findTraces(clients, release, target)'),
    means: 'a rollback removes the builder that is kept',
    likely: KEPT,
  },
  {
    file: 'core/amis/traces.ts',
    within: 'withoutKept',
    does: setProperty('keyPairs', 'traces.keyPairs'),
    means: 'the key pair of a builder that is kept goes',
    likely: KEPT,
  },
  {
    file: 'tasks/verify-rollback.ts',
    within: 'look',
    does: insteadOfCalling('onKept', 'undefined'),
    means: 'nobody is told of a builder that is kept',
    likely: KEPT,
  },
];
