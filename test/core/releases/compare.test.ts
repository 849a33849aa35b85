import { describe, expect, it } from 'vitest';
import { type ComparedAmi, compare, differenceLines } from '../../../core/releases/compare.ts';

const FIRST = '111111111111/eu-west-1';
const SECOND = '222222222222/eu-west-1';
const THIRD = '333333333333/eu-west-1';
const BASH = 'bash\t5.2-1\tx86_64\n';
const LIST = `${BASH}openssl\t3.0-1\tx86_64\n`;

const ami = (target: string, text = LIST, source = 'al2023'): ComparedAmi => ({
  target,
  source,
  packages: { text },
});
const unlisted = (target: string): ComparedAmi => ({
  target,
  source: 'al2023',
  packages: { why: 'it has no list' },
});

describe('AMIs of one release', () => {
  it('that hold the same have no difference', () => {
    expect(compare(ami(FIRST), [ami(SECOND), ami(THIRD)])).toEqual({
      reference: FIRST,
      compared: 2,
      count: 0,
      differences: [],
      notCompared: [],
    });
  });

  it('differ package by package from the first one, and those that differ alike are told together', () => {
    const newer = `${BASH}openssl\t3.0-2\tx86_64\nzsh\t5.9\tx86_64\n`;
    const found = compare(ami(FIRST), [ami(SECOND, newer), ami(THIRD, newer)]);
    expect(found.differences).toEqual([
      {
        targets: [SECOND, THIRD],
        changes: [
          { what: 'package', name: 'openssl x86_64', expected: '3.0-1', found: '3.0-2' },
          { what: 'package', name: 'zsh x86_64', expected: null, found: '5.9' },
        ],
      },
    ]);
    expect(found.count).toBe(4);
    expect(differenceLines(found, 1)).toEqual([
      `${SECOND} and 1 more: openssl x86_64 is 3.0-2, in ${FIRST} 3.0-1`,
    ]);
    expect(differenceLines(found, 10)[1]).toBe(
      `${SECOND} and 1 more: zsh x86_64 is 5.9, in ${FIRST} missing`,
    );
  });

  it('differ by what they were built on, and by settings that say what an AMI is, but not by where it is made', () => {
    const row = { file: 'config/prod.yaml', line: 3 };
    const found = compare(
      ami(FIRST),
      [ami(SECOND, LIST, 'al2023 of June')],
      [
        { setting: 'rootVolumeSizeGiB', value: 16, ...row, targets: [FIRST] },
        { setting: 'rootVolumeSizeGiB', value: 32, ...row, targets: [SECOND] },
        { setting: 'instanceType', value: 'm7i.large', ...row, targets: [FIRST] },
        { setting: 'instanceType', value: 'm7i.xlarge', ...row, targets: [SECOND] },
        { setting: 'architecture', value: 'x86_64', ...row },
      ],
    );
    expect(differenceLines(found, 10)).toEqual([
      `${SECOND}: the setting rootVolumeSizeGiB is 32, in ${FIRST} 16`,
      `${SECOND}: the source AMI is al2023 of June, in ${FIRST} al2023`,
    ]);
  });

  it('that list no packages are not said to be the same', () => {
    expect(compare(ami(FIRST), [unlisted(SECOND)]).notCompared).toEqual([
      { what: 'packages', targets: [SECOND], why: 'it has no list' },
    ]);
    expect(compare(unlisted(FIRST), [ami(SECOND)]).notCompared).toEqual([
      { what: 'packages', targets: [FIRST], why: 'it has no list' },
      {
        what: 'packages',
        targets: [SECOND],
        why: `there is nothing to compare with: ${FIRST}: it has no list`,
      },
    ]);
  });

  it('of a thousand targets with a thousand differences each are counted, and kept as far as there is room', () => {
    const list = (version: number) =>
      Array.from({ length: 1_000 }, (_, index) => `package-${index}\t${version}\tnoarch\n`).join('');
    const others = Array.from({ length: 999 }, (_, index) =>
      ami(`${100_000_000_000 + index}/eu-west-1`, list(index % 2)),
    );
    const found = compare(ami(FIRST, list(0)), others);
    expect(found.count).toBe(499_000);
    expect(found.differences).toHaveLength(1);
    expect(found.differences[0]?.targets).toHaveLength(499);
    expect(found.differences[0]?.changes).toHaveLength(200);
  });
});
