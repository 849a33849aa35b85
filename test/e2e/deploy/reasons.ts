/** Why a role may do what no release here does. */
import { NAMES } from '../../../core/contract/names.ts';
import { BY_AWS, BY_PACKER } from '../../invariants/permissions/reasons.ts';

/** What the scenarios here do not lead to; each is used in the rehearsals that test/invariants/permissions records. */
const NOT_PLAYED: Readonly<Record<string, string>> = {};

/** Of what was not used, what has no reason; and reasons that nothing needs. */
export function unexplained(unused: readonly string[]): string[] {
  const needed = new Set<string>();
  const without = unused.filter((line) => {
    const [role = '', action = ''] = line.split('  ');
    const bare = action.replace(/^\w+: /, '');
    const [own] = Object.keys(NOT_PLAYED).filter(
      (reason) => line === reason || bare === reason || role === reason,
    );
    if (own !== undefined) needed.add(own);
    const known = role === NAMES.bakeRole ? { ...BY_AWS, ...BY_PACKER } : BY_AWS;
    return own === undefined && known[action] === undefined && known[bare] === undefined;
  });
  return [
    ...without.map((line) => `Nothing used ${line}, and it has no reason.`),
    ...Object.keys(NOT_PLAYED)
      .filter((reason) => !needed.has(reason))
      .map((reason) => `The reason for ${reason} is not needed any more.`),
  ];
}
