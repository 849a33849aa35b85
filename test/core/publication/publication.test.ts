import { describe, expect, it } from 'vitest';
import { clientsFor } from '../../../core/aws/clients.ts';
import {
  deleteParameter,
  publishedVersions,
  readParameter,
  versionsByAge,
  writeParameter,
} from '../../../core/publication/publication.ts';
import { DEV } from '../../fixtures/accounts.ts';
import { awsError, call, useAws } from '../../fixtures/aws/strict-aws.ts';
import { LATEST, get, published, put, reads, remove, versions } from '../../fixtures/aws/parameters.ts';

const aws = useAws();
const ssm = () => clientsFor(DEV).ssm;

describe('the published versions of an image', () => {
  it('are read to the last page', async () => {
    aws.on(DEV, published(), { ...versions({ '1.4.20261121093000': 'ami-1' }), NextToken: 'more' });
    aws.on(DEV, published('more'), versions({ '1.4.20261122093000': 'ami-2' }));
    expect(await publishedVersions(ssm(), 'web')).toEqual(
      new Map([
        ['1.4.20261121093000', 'ami-1'],
        ['1.4.20261122093000', 'ami-2'],
      ]),
    );
  });

  it('are none where nothing was published', async () => {
    aws.on(DEV, published(), {});
    expect(await publishedVersions(ssm(), 'web')).toEqual(new Map());
  });
});

describe('the newest version', () => {
  it.each([
    [[], undefined],
    [['1.9.20261121093000', '1.10.20261121093000'], '1.10.20261121093000'],
    [['2.0.20251121093000', '1.9.20261121093000'], '2.0.20251121093000'],
    [['1.4.20261121093001', '1.4.20261121093000'], '1.4.20261121093001'],
    [['1.4.20261121093000', '1.4.20261122093000-topic'], '1.4.20261121093000'],
    [['latest', '1.4', '1.4.20261121093000'], '1.4.20261121093000'],
    [['1.4.20261122093000-topic'], undefined],
  ])('of %j is %s', (all, newest) => {
    expect(versionsByAge(all)[0]).toBe(newest);
  });
});

describe('a parameter', () => {
  it('that is absent reads as undefined, and any other error is thrown', async () => {
    aws.on(DEV, get(LATEST), awsError('ParameterNotFound'), awsError('AccessDeniedException'));
    expect(await readParameter(ssm(), LATEST)).toBeUndefined();
    await expect(readParameter(ssm(), LATEST)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('is read and written as an AMI that SSM validates', async () => {
    aws.on(DEV, get(LATEST), reads('ami-1'));
    aws.accepts(DEV, put(LATEST, 'ami-2'));
    expect(await readParameter(ssm(), LATEST)).toBe('ami-1');
    await writeParameter(ssm(), LATEST, 'ami-2');
    expect(aws.sent).toEqual([call(DEV, get(LATEST)), call(DEV, put(LATEST, 'ami-2'))]);
  });

  it('can be deleted twice, and a refusal is thrown', async () => {
    aws.on(DEV, remove(LATEST), {}, awsError('ParameterNotFound'), awsError('TooManyUpdates'));
    await deleteParameter(ssm(), LATEST);
    await deleteParameter(ssm(), LATEST);
    await expect(deleteParameter(ssm(), LATEST)).rejects.toMatchObject({ name: 'TooManyUpdates' });
  });
});
