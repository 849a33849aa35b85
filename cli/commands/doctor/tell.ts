import type { Finding } from './finding.ts';
import { count } from '../../terminal/words.ts';
import type { Output } from '../../terminal/output.ts';

export function table(findings: readonly Finding[], { paint }: Output): string {
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

export function verdict(findings: readonly Finding[], { paint }: Output): string {
  const failed = findings.filter(({ outcome }) => outcome === 'failed').length;
  const unknown = findings.filter(({ outcome }) => outcome === 'not checked').length;
  const all = count(findings.length, 'check');
  if (failed === 0 && unknown === 0) return paint('green', `${all}, all ok`);
  return paint('red', `${all}: ${failed} failed, ${unknown} not checked`);
}
