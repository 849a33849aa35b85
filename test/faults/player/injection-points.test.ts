import { describe, expect, it } from 'vitest';
import { type InjectionPoint, nameOfPoint, pointNamed } from './injection-points.ts';

const POINT: InjectionPoint = {
  who: 'A',
  state: 'Publish release',
  by: 'state',
  operation: 'ssm:PutParameter',
  place: '100000000001/eu-west-1',
  nth: 2,
};

describe('the name of a call', () => {
  it.each<InjectionPoint>([
    POINT,
    { ...POINT, who: 'sweep', state: 'Sweep each release', place: 'hub' },
    { ...POINT, who: 'B', by: 'packer', operation: 'ec2:RunInstances' },
    { ...POINT, operation: 'codebuild:startBuild.sync', nth: 10 },
  ])('%o names that call', (point) => {
    expect(pointNamed(nameOfPoint(point))).toEqual(point);
  });

  it('reads as a person would say it', () => {
    expect(nameOfPoint({ ...POINT, who: 'B', by: 'packer' })).toBe(
      'B, Publish release, Packer: ssm:PutParameter in 100000000001/eu-west-1 #2',
    );
  });

  it.each(['Publish release', 'Publish release: ssm:PutParameter in hub', 'C, Publish: s3:Get in hub #1'])(
    'fails where "%s" names no call',
    (name) => {
      expect(() => pointNamed(name)).toThrow(`"${name}" names no call.`);
    },
  );
});
