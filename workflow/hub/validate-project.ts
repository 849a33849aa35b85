import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { keys } from '../../core/contract/keys.ts';
import { NAMES } from '../../core/contract/names.ts';
import { keyStatements } from '../constructs/bucket-key.ts';
import {
  type Downloads,
  type PinnedTool,
  downloading,
  pinned,
  pluginToken,
} from '../constructs/build-projects.ts';
import { VALIDATE_TEMPLATES } from '../machines/timeouts.ts';
import { HubBuildProject } from './hub-build-project.ts';

export interface ValidateProjectProps extends Downloads {
  readonly bucket: Bucket;
  /** Default: what the build image has, which is none. */
  readonly packer?: PinnedTool;
  /** The name of the secret, beginning with `packleader/`, with a token for GitHub, where plugins are. Default: Packer asks without. */
  readonly pluginTokenSecret?: string;
}

/** Lets Packer judge the templates of a release before anything is baked. */
export class ValidateProject extends HubBuildProject {
  constructor(
    scope: Construct,
    id: string,
    { bucket, packer, pluginTokenSecret: token, ...downloads }: ValidateProjectProps,
  ) {
    const { account, region } = Stack.of(scope);
    const inBucket = downloads.downloads === 'bucket';
    super(scope, id, {
      projectName: NAMES.validateProject,
      description: 'Validates the templates of a release. Started by packleader-release.',
      roleDescription: 'Reads the source and the plans of a release, to let Packer judge its templates.',
      buildSpec: 'validate',
      environmentVariables: {
        ...pinned('PACKLEADER_PACKER', packer),
        ...downloading(downloads),
        ...pluginToken(token),
      },
      statements: [
        new PolicyStatement({
          sid: 'ReadSourceAndPlans',
          actions: ['s3:GetObject'],
          resources: ['sources/*', 'plans/*', ...(inBucket ? [`${keys.tools}*`] : [])].map((objects) =>
            bucket.arnForObjects(objects),
          ),
        }),
        new PolicyStatement({
          sid: 'FindPlans',
          actions: ['s3:ListBucket'],
          resources: [bucket.bucketArn],
          conditions: { StringLike: { 's3:prefix': 'plans/*' } },
        }),
        ...keyStatements(bucket, 'read'),
        ...(token === undefined
          ? []
          : [
              new PolicyStatement({
                sid: 'ReadPluginToken',
                actions: ['secretsmanager:GetSecretValue'],
                resources: [`arn:aws:secretsmanager:${region}:${account}:secret:${token}-??????`],
              }),
            ]),
      ],
      wildcards: {
        '/sources/*': 'A source has the name of its commit.',
        '/plans/*': 'A plan has the name of its execution.',
        ...(inBucket && { '/tools/*': 'What builds download has the name of its SHA-256.' }),
        '-??????': 'Secrets Manager ends every ARN with six characters of its own.',
      },
      timeout: VALIDATE_TEMPLATES,
    });
  }
}
