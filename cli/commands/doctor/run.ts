import { checkOutFactory, whichFactory } from '../../input/checkout.ts';
import { deploymentOfProject } from '../../input/project.ts';
import { examineFactory } from './examine.ts';
import { EXIT } from '../../terminal/exit-codes.ts';
import { type Output, jsonText } from '../../terminal/output.ts';
import { table, verdict } from './tell.ts';

export interface DoctorOptions {
  readonly factory: string;
  /** The name of a role to look with. */
  readonly as?: string;
  readonly json: boolean;
}

/** `packleader doctor`: one line per place and check. Returns 0 only when every check was made and is ok. */
export async function doctorCommand(
  { factory, as: role, json }: DoctorOptions,
  output: Output,
): Promise<number> {
  const checkout = checkOutFactory(factory);
  if (!json) output.print(`${whichFactory(checkout)}\n`);
  output.status('  … looking at the hub');
  const findings = await examineFactory({
    files: checkout.files,
    settings: deploymentOfProject(checkout.directory),
    ...(role !== undefined && { role }),
    onFound: (place) => output.status(`  … ${place} done`),
  });
  output.status('');
  const well = findings.length > 0 && findings.every(({ outcome }) => outcome === 'ok');
  if (json) {
    output.print(
      jsonText({ outcome: well ? 'ok' : 'failed', factory: checkout.directory, checks: findings }),
    );
  } else {
    output.print(`${table(findings, output)}\n${verdict(findings, output)}\n`);
  }
  return well ? 0 : EXIT.unwell;
}
