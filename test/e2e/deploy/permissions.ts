/** What the deployed policies grant, held against what the scenarios needed. */
import type { Statement } from '../../fixtures/synthesised.ts';
import { BY_AWS, BY_PACKER } from '../../invariants/permissions/reasons.ts';
import type { Inventories } from './read-back.ts';
import { BY_NO_SCENARIO } from './unused.ts';

/** `role  Sid: action` */
export const grantLine = (role: string, { Sid }: Pick<Statement, 'Sid'>, action: string): string =>
  `${role}  ${Sid === undefined ? '' : `${Sid}: `}${action}`;

/** Every permission that no scenario needed and that has no reason, and every reason that is not needed. */
export function unusedPermissions(inventories: Inventories, usedBy: ReadonlySet<string>): string[] {
  const used = new Set([...usedBy].map(withoutSuffix));
  const busy = new Set([...used].map(roleIn));
  const granted = [...inventories.values()].flatMap(({ roles }) =>
    roles
      // Whoever operates is no part of the stacks.
      .filter(({ isDeployed }) => isDeployed)
      .flatMap(({ name, statements }) =>
        statements
          .filter(({ Effect }) => Effect === 'Allow')
          .flatMap((statement) =>
            statement.Action.map((action) => withoutSuffix(grantLine(name, statement, action))),
          ),
      ),
  );
  const unused = [...new Set(granted)].filter((line) => !used.has(line));
  /** As a reason may name it: by action, by statement and action, by its role and both, or by a role that does nothing at all. */
  const namesOf = (line: string): string[] => {
    const [role = '', said = ''] = line.split('  ');
    return [line, said, said.replace(/^\w+: /, ''), ...(busy.has(role) ? [] : [role])];
  };
  const needed = new Set(unused.flatMap(namesOf));
  return [
    ...unused
      .filter((line) => !namesOf(line).some((name) => name in REASONS))
      .map((line) => `No scenario needs, and no reason says why it is granted: ${line}`),
    ...Object.keys(BY_NO_SCENARIO)
      .filter((name) => !needed.has(name))
      .map((name) => `Is used, or is granted no more, and has a reason all the same: ${name}`),
  ];
}

const roleIn = (line: string): string => line.split('  ')[0] ?? '';

/** CloudFormation makes a name of its own where a template says none. */
const withoutSuffix = (line: string): string => line.replace(/-[A-Z0-9]{12}(?=  )/, '');

const REASONS: Readonly<Record<string, string>> = { ...BY_AWS, ...BY_PACKER, ...BY_NO_SCENARIO };
