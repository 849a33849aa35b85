import { DEPLOYMENT_FILE } from '../../../core/configuration/deployment-settings.ts';
import type { Output } from '../../terminal/output.ts';
import type { Pinned } from './run.ts';

export function tell({ print, paint }: Output, pinned: readonly Pinned[]): void {
  for (const { tool, version, sha256, byHand, known } of pinned) {
    print(`  ${known ? paint('dim', 'kept ') : paint('green', 'wrote')}  ${tool.key} ${version}\n`);
    print(`         ${sha256}  ${paint('dim', byHand ? 'as you say' : tool.vouched)}\n`);
  }
  print(`\n${DEPLOYMENT_FILE} says what every bake runs, once hub and targets are deployed.\n`);
}
