import { RegionInfo } from 'aws-cdk-lib/region-info';
import { expect, test } from 'vitest';
import { REGIONS } from '../../../core/contract/regions.ts';

test('the regions are those of the partition aws that CDK knows', () => {
  const known = RegionInfo.regions.filter(({ partition }) => partition === 'aws').map(({ name }) => name);
  expect(REGIONS).toEqual(known.toSorted());
});
