import { describe, expect, it } from 'vitest';
import { nameOfPoint, pointNamed } from '../player/injection-points.ts';
import { inOrderOfPlaces } from './recordings.ts';

const named = (names: readonly string[]) =>
  names.map((name) => ({ point: pointNamed(name), mutating: false, items: 0, olderAnswers: 0 }));

const A = 'Check dev AMIs: sts:AssumeRole in 111111111111';
const B = 'Check dev AMIs: sts:AssumeRole in 222222222222';
const ANOTHER = 'Check prod AMIs: sts:AssumeRole in 111111111111 #1';
const LOOK = 'Check dev AMIs: ec2:DescribeImages in 222222222222/eu-west-1';

describe('recorded calls', () => {
  it.each([
    [[`${A} #1`, `${B} #1`, `${LOOK} #1`, ANOTHER, `${A} #2`, `${B} #2`]],
    [[`${B} #1`, `${LOOK} #1`, `${A} #1`, ANOTHER, `${B} #2`, `${A} #2`]],
  ])('have one order, whichever place was called first: %j', (names) => {
    const ordered = inOrderOfPlaces(named(names)).map(({ point }) => nameOfPoint(point));
    expect(ordered).toEqual([`${A} #1`, `${A} #2`, `${B} #1`, ANOTHER, `${B} #2`, `${LOOK} #1`]);
  });
});
