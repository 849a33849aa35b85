import { describe, expect, it } from 'vitest';
import type { Factory } from '../../../core/configuration/factory.ts';
import { ownFactory } from '../../fixtures/factories.ts';
import { hub, inWords } from '../../fixtures/synthesised.ts';

const factory = ownFactory();
const BUCKET = 'packleader-999999999999-eu-west-1';
const theHub = hub(factory);

const bucket = (name: string, stack = theHub) =>
  stack.ofType('AWS::S3::Bucket').find(({ is }) => is['BucketName'] === name);

const withAccounts = (count: number): Factory => ({
  ...factory,
  stages: [
    {
      name: 'dev',
      targets: Array.from({ length: count }, (_, index) => ({
        accountId: String(100_000_000_000 + index),
        region: 'eu-west-1',
      })),
    },
  ],
});

describe('the bucket', () => {
  it('forgets plans, sources, old versions of them and unfinished uploads, but no record of a release', () => {
    expect(bucket(BUCKET)?.is['LifecycleConfiguration']).toEqual({
      Rules: [
        {
          Id: 'plans',
          Prefix: 'plans/',
          Status: 'Enabled',
          ExpirationInDays: 90,
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        },
        {
          Id: 'bakes',
          Prefix: 'bakes/',
          Status: 'Enabled',
          ExpirationInDays: 365,
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        },
        {
          Id: 'sources',
          Prefix: 'sources/',
          Status: 'Enabled',
          ExpirationInDays: 90,
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        },
        {
          Id: 'sweeps',
          Prefix: 'sweeps/',
          Status: 'Enabled',
          ExpirationInDays: 90,
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        },
        {
          Id: 'repoints',
          Prefix: 'repoints/',
          Status: 'Enabled',
          ExpirationInDays: 90,
          NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        },
        {
          Id: 'unfinished-uploads',
          Status: 'Enabled',
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        },
        { Id: 'nothing-but-delete-markers', Status: 'Enabled', ExpiredObjectDeleteMarker: true },
      ],
    });
  });

  it('has every request to it logged, for a year, where only S3 writes, for this bucket', () => {
    expect(bucket(BUCKET)?.is['LoggingConfiguration']).toEqual({
      DestinationBucketName: `${BUCKET}-requests`,
    });
    expect(bucket(`${BUCKET}-requests`)).toMatchObject({
      retained: true,
      is: {
        LifecycleConfiguration: { Rules: [{ ExpirationInDays: 365, Id: 'requests', Status: 'Enabled' }] },
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      },
    });
    const allowed = theHub.bucketPolicy(`${BUCKET}-requests`).filter(({ Effect }) => Effect === 'Allow');
    expect(allowed.map(inWords)).toEqual([
      `LogOfRequests: Allow s3:PutObject by {"Service":"logging.s3.amazonaws.com"} on arn:aws:s3:::${BUCKET}-requests/* if ` +
        `{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::${BUCKET}"},"StringEquals":{"aws:SourceAccount":"999999999999"}}`,
    ]);
  });

  it('names every account, as long as its policy has room for them', () => {
    expect(hub(withAccounts(400)).errors).toEqual([]);
  });

  it('fails to synthesise when it has not, and says what to set', () => {
    const { errors } = hub(withAccounts(1_000));
    expect(errors).toEqual([
      expect.stringMatching(
        /^The bucket's policy names 1000 accounts and would have \d+ bytes, at most 20480 are allowed: set organizationId in packleader\.config, then it names the organisation instead\.$/,
      ),
    ]);
  });

  it('with an organisation, admits the bake roles of its accounts, however many they are, and nobody else', () => {
    const large = hub(withAccounts(1_000), { organizationId: 'o-a1b2c3d4e5' });
    expect(large.errors).toEqual([]);
    const allowed = large.bucketPolicy(BUCKET).filter(({ Effect }) => Effect === 'Allow');
    const asBake =
      'if {"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/packleader-bake"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}';
    const arn = `arn:aws:s3:::${BUCKET}`;
    expect(allowed.map(inWords)).toEqual([
      `BakesRead: Allow s3:GetObject by {"AWS":"*"} on ${arn}/plans/*/\${aws:PrincipalAccount}-* ${arn}/sources/* ${asBake}`,
      `BakesWriteRecords: Allow s3:PutObject by {"AWS":"*"} on ${arn}/bakes/\${aws:PrincipalAccount}/* ${asBake}`,
      `BakesFindTheBucket: Allow s3:GetBucketAcl s3:GetBucketLocation by {"AWS":"*"} on ${arn} ${asBake}`,
    ]);
  });
});
