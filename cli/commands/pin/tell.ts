import { DEPLOYMENT_FILE, type PinnedPlugin } from '../../../core/configuration/deployment-settings.ts';
import type { Output } from '../../terminal/output.ts';
import type { Pinned } from './run.ts';

export function tell(
  { print, paint }: Output,
  pinned: readonly Pinned[],
  plugins: readonly PinnedPlugin[],
  pluginsKnown: boolean,
): void {
  for (const { tool, version, sha256, byHand, known } of pinned)
    line(known, `${tool.key} ${version}`, sha256, byHand ? 'as you say' : tool.vouched);
  for (const { source, version, url, sha256 } of plugins)
    line(pluginsKnown, `${source} ${version}`, sha256, `as ${new URL(url).host} publishes it`);
  print(`\n${DEPLOYMENT_FILE} says what every bake runs, once hub and targets are deployed.\n`);

  function line(known: boolean, what: string, sha256: string, why: string): void {
    print(`  ${known ? paint('dim', 'kept ') : paint('green', 'wrote')}  ${what}\n`);
    print(`         ${sha256}  ${paint('dim', why)}\n`);
  }
}
