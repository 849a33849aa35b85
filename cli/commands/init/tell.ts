import { toldChanges } from '../../scaffold/told.ts';
import type { Changes } from '../../scaffold/changes.ts';
import type { Output } from '../../terminal/output.ts';

interface Rest {
  /** Where a workflow would have to be. */
  readonly ciPlace?: string | undefined;
}

export function tell(output: Output, changes: Changes, { ciPlace }: Rest): void {
  output.print(toldChanges(output, changes));
  if (ciPlace !== undefined)
    output.print(`  note   no workflow was written: it must be in the root of the repository, ${ciPlace}\n`);
  output.print('\nNext: npx packleader rehearse\n');
}
