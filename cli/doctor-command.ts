import { checkOutFactory, configurationFiles } from './checkout.ts';
import { examineFactory } from './doctor/doctor.ts';
import type { Finding } from './doctor/finding.ts';
import { EXIT } from './exit-codes.ts';
import { count } from './narrator.ts';
import type { Output } from './output.ts';

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
  const files = configurationFiles(checkOutFactory(factory).files);
  output.status('  … looking at the hub');
  const findings = await examineFactory({
    files,
    ...(role !== undefined && { role }),
    onFound: (place) => output.status(`  … ${place} done`),
  });
  output.status('');
  const well = findings.length > 0 && findings.every(({ outcome }) => outcome === 'ok');
  if (json) {
    output.print(`${JSON.stringify({ outcome: well ? 'ok' : 'failed', checks: findings }, null, 2)}\n`);
  } else {
    output.print(`${table(findings, output)}\n${verdict(findings, output)}\n`);
  }
  return well ? 0 : EXIT.doctorFailed;
}

function table(findings: readonly Finding[], { paint }: Output): string {
  const marks = {
    ok: paint('green', 'ok  '),
    failed: paint('red', 'FAIL'),
    'not checked': paint('yellow', '--  '),
  };
  const places = Math.max(...findings.map(({ place }) => place.length));
  const checks = Math.min(40, Math.max(...findings.map(({ check }) => check.length)));
  return findings
    .map(({ place, check, outcome, why, todo }) => {
      const seen = outcome === 'ok' ? paint('dim', why) : outcome === 'failed' ? why : `not checked: ${why}`;
      const advice = todo === '' ? '' : `\n        ${paint('bold', todo)}`;
      return `  ${marks[outcome]}  ${place.padEnd(places)}  ${check.padEnd(checks)}  ${seen}${advice}\n`;
    })
    .join('');
}

function verdict(findings: readonly Finding[], { paint }: Output): string {
  const failed = findings.filter(({ outcome }) => outcome === 'failed').length;
  const unknown = findings.filter(({ outcome }) => outcome === 'not checked').length;
  const all = count(findings.length, 'check');
  if (failed === 0 && unknown === 0) return paint('green', `${all}, all ok`);
  return paint('red', `${all}: ${failed} failed, ${unknown} not checked`);
}
