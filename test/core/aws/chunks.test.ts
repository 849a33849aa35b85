import { expect, test } from 'vitest';
import { chunks } from '../../../core/aws/chunks.ts';

test.each([
  { all: [], parts: [] },
  { all: [1], parts: [[1]] },
  { all: [1, 2], parts: [[1, 2]] },
  { all: [1, 2, 3], parts: [[1, 2], [3]] },
  {
    all: [1, 2, 3, 4],
    parts: [
      [1, 2],
      [3, 4],
    ],
  },
])('of $all, two at once', ({ all, parts }) => {
  expect(chunks<number>(all, 2)).toEqual(parts);
});
