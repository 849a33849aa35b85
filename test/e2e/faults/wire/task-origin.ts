import type { CallSite } from '../../../../sandbox/engine/call-site.ts';
import type { Origin } from './origin.ts';
import type { Work } from './real-work.ts';

/** One attempt of a task as the origin of its requests. */
export function originOfTask(site: CallSite, { forget, idle }: Work): Origin {
  return {
    execution: site.execution,
    state: site.state,
    by: 'state',
    isOver: () => site.over === true,
    idle,
    hang: () => {
      site.lose('hangs');
      forget();
    },
    kill: () => {
      site.lose('dies');
      site.over = true;
      forget();
    },
  };
}
