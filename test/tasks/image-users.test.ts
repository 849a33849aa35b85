import { DescribeImageReferencesCommand } from '@aws-sdk/client-ec2';
import { describe, expect, it } from 'vitest';
import { clientsFor } from '../../tasks/aws-clients.ts';
import { usersOfImages } from '../../tasks/image-users.ts';
import { DEV, awsError, call, useAws } from './aws.ts';

const aws = useAws();

const ask = (ImageIds: string[], NextToken?: string) =>
  new DescribeImageReferencesCommand({
    ImageIds,
    ResourceTypes: [
      {
        ResourceType: 'ec2:Instance',
        ResourceTypeOptions: [
          {
            OptionName: 'state-name',
            OptionValues: ['pending', 'running', 'shutting-down', 'stopping', 'stopped'],
          },
        ],
      },
      {
        ResourceType: 'ec2:LaunchTemplate',
        ResourceTypeOptions: [{ OptionName: 'version-depth', OptionValues: ['10000'] }],
      },
      { ResourceType: 'ssm:Parameter' },
    ],
    ...(NextToken === undefined ? {} : { NextToken }),
  });
const ids = (count: number) => Array.from({ length: count }, (_, index) => `ami-${index}`);
const users = (...images: string[]) => usersOfImages(clientsFor(DEV).ec2, images);

describe('the users of AMIs', () => {
  it('are instances, launch templates and parameters, from every page', async () => {
    aws.on(DEV, ask(['ami-1', 'ami-2']), {
      ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn:instance' }],
      NextToken: 'more',
    });
    aws.on(DEV, ask(['ami-1', 'ami-2'], 'more'), {
      ImageReferences: [{ ImageId: 'ami-1', Arn: 'arn:template' }],
    });
    expect(await users('ami-1', 'ami-2')).toEqual(new Map([['ami-1', ['arn:instance', 'arn:template']]]));
    expect(aws.commands).toHaveLength(2);
  });

  it('are asked for ten AMIs at a time', async () => {
    const [last = ''] = ids(11).slice(10);
    aws.on(DEV, ask(ids(10)), {});
    aws.on(DEV, ask([last]), { ImageReferences: [{ ImageId: last, Arn: 'arn' }] });
    expect(await users(...ids(11))).toEqual(new Map([[last, ['arn']]]));
    expect(aws.sent).toEqual([call(DEV, ask(ids(10))), call(DEV, ask([last]))]);
  });

  it('are nobody when there is no AMI, and then nobody is asked', async () => {
    expect(await users()).toEqual(new Map());
    expect(aws.sent).toEqual([]);
  });

  it('count even when AWS does not say who they are', async () => {
    aws.on(DEV, ask(['ami-1']), { ImageReferences: [{ ImageId: 'ami-1' }] });
    expect((await users('ami-1')).get('ami-1')).toHaveLength(1);
  });

  it.each(['UnauthorizedOperation', 'RequestLimitExceeded', 'InternalError'])(
    'fails on %s instead of taking unknown for unused',
    async (code) => {
      aws.on(DEV, ask(['ami-1']), awsError(code));
      await expect(users('ami-1')).rejects.toMatchObject({ name: code });
    },
  );

  it('fails when a later page is refused', async () => {
    aws.on(DEV, ask(['ami-1']), { ImageReferences: [], NextToken: 'more' });
    aws.on(DEV, ask(['ami-1'], 'more'), awsError('UnauthorizedOperation'));
    await expect(users('ami-1')).rejects.toMatchObject({ name: 'UnauthorizedOperation' });
  });
});
