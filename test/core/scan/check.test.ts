import { describe, expect, it } from 'vitest';
import { checkFactory } from '../../../core/configuration/check.ts';
import { loadConfiguration } from '../../../core/configuration/configuration.ts';
import { vulnerabilityProblems } from '../../../core/scan/check.ts';
import { STAGES, filesOf } from '../../fixtures/factories.ts';

const NOW = new Date('2026-11-27T12:00:00Z');
const files = (vulnerabilities: string) => filesOf({ stages: STAGES, vulnerabilities });

/** As one would read it. */
const said = (
  problems: readonly { readonly file: string; readonly path: string; readonly message: string }[],
) => problems.map(({ file, path, message }) => `${file} ${path}: ${message}`);

const ofSchema = (vulnerabilities: string) => said(checkFactory(files(vulnerabilities)));
const ofCheck = (vulnerabilities: string, now = NOW) =>
  said(
    vulnerabilityProblems(loadConfiguration(files(vulnerabilities)), ['base'], { scanner: 'inspector', now }),
  );

describe('what a layer says of vulnerabilities', () => {
  it.each([
    '{}',
    '{ failOn: low }',
    '{ ignore: [{ id: ALAS2023-2026-1234, until: 2027-01-31, reason: why }] }',
  ])('is taken: %s', (vulnerabilities) => {
    expect(ofSchema(vulnerabilities)).toEqual([]);
    expect(ofCheck(vulnerabilities)).toEqual([]);
  });

  it.each([
    [
      'an unknown severity',
      '{ failOn: severe }',
      'failOn: found "severe", must be low, medium, high or critical',
    ],
    [
      'an ignore without a reason',
      '{ ignore: [{ id: CVE-2026-1, until: 2027-01-31 }] }',
      'ignore[0].reason: found nothing for base, must say in words why it is no danger here',
    ],
    [
      'an ignore without an end',
      '{ ignore: [{ id: CVE-2026-1, reason: x }] }',
      'ignore[0].until: found nothing for base, must be a day, like 2027-01-31: until then it is ignored',
    ],
    [
      'a day that there is not',
      '{ ignore: [{ id: CVE-2026-1, until: 2027-13-31, reason: x }] }',
      'ignore[0].until: found "2027-13-31", must be a day, like 2027-01-31: until then it is ignored',
    ],
    ['an unknown key', '{ fail_on: high }', 'fail_on: found an unknown key, the nearest is "failOn"'],
  ])('is refused in one sentence: %s', (_, vulnerabilities, message) => {
    expect(ofSchema(vulnerabilities)).toEqual([`config/default.yaml vulnerabilities.${message}`]);
  });

  it('is refused to whoever validates when an ignore has run out, and not to a release, which counts it', () => {
    const over = '{ ignore: [{ id: CVE-2026-1, until: 2026-11-26, reason: x }] }';
    expect(ofCheck(over)).toEqual([
      'config/default.yaml vulnerabilities.ignore: found CVE-2026-1 ignored until 2026-11-26, which is over, must be a day that is to come, or be left out',
    ]);
    expect(ofCheck(over, new Date('2026-11-26T23:59:59Z'))).toEqual([]);
    const configuration = loadConfiguration(files(over));
    expect(vulnerabilityProblems(configuration, ['base'], { scanner: 'inspector' })).toEqual([]);
  });

  it('is refused for an image of Windows, whose packages Inspector does not know', () => {
    const windows = new Map(files('{ failOn: high }'));
    windows.set('images/base/image.yaml', "description: base\nversion: '1.4'\nplatform: windows\n");
    const configuration = loadConfiguration(windows);
    expect(said(vulnerabilityProblems(configuration, ['base'], { scanner: 'inspector' }))).toEqual([
      'config/default.yaml vulnerabilities.failOn: found vulnerabilities to fail on for base, must be left out, or null, there: Amazon Inspector’s scan of an SBOM knows no packages of Windows',
    ]);
    expect(vulnerabilityProblems(configuration, ['base'], {})).toEqual([]);
  });
});
