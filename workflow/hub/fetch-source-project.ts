import { Stack } from 'aws-cdk-lib';
import { BuildEnvironmentVariableType } from 'aws-cdk-lib/aws-codebuild';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { cloneUrl, codeCommitRepository } from '../../core/configuration/repository-url.ts';
import { ERRORS, PackleaderError } from '../../core/contract/errors.ts';
import { NAMES } from '../../core/contract/names.ts';
import { keyStatements } from '../constructs/bucket-key.ts';
import { FETCH_SOURCE } from '../machines/timeouts.ts';
import { HubBuildProject } from './hub-build-project.ts';

export interface FetchSourceProjectProps {
  readonly bucket: Bucket;
  /** As factory.yaml has it. */
  readonly repository: string;
  /** Where `factory.yaml` lies in the repository; `.` is the root. */
  readonly factoryPath: string;
  readonly defaultBranch: string;
  /** The name of the secret that holds a token for a private repository with an https URL; default: it is public. */
  readonly repositoryTokenSecret?: string;
}

/** Checks out the commit of a release and packs its factory into the bucket. */
export class FetchSourceProject extends HubBuildProject {
  constructor(scope: Construct, id: string, props: FetchSourceProjectProps) {
    const { repository, factoryPath, defaultBranch, repositoryTokenSecret: token } = props;
    const { region } = Stack.of(scope);
    super(scope, id, {
      projectName: NAMES.fetchSourceProject,
      description: 'Fetches the commit of a release. Started by packleader-release.',
      roleDescription: 'Clones the repository and packs the source of a release.',
      buildSpec: 'fetch-source',
      environmentVariables: {
        PACKLEADER_REPOSITORY: { value: cloneUrl(repository, { region }) },
        PACKLEADER_FACTORY: { value: factoryPath },
        PACKLEADER_DEFAULT_BRANCH: { value: defaultBranch },
        ...(token === undefined
          ? {}
          : {
              PACKLEADER_REPOSITORY_TOKEN: {
                value: token,
                type: BuildEnvironmentVariableType.SECRETS_MANAGER,
              },
            }),
      },
      statements: statements(scope, props),
      wildcards: {
        '/sources/*': 'A source has the name of its commit.',
        '/released/*': 'One record for each version of each image.',
        '-??????': 'Secrets Manager ends every ARN with six characters of its own.',
      },
      timeout: FETCH_SOURCE,
    });
  }
}

function statements(
  scope: Construct,
  { bucket, repository, repositoryTokenSecret: token }: FetchSourceProjectProps,
) {
  const { account, region } = Stack.of(scope);
  const all = [
    new PolicyStatement({
      sid: 'WriteSource',
      actions: ['s3:PutObject'],
      resources: [bucket.arnForObjects('sources/*')],
    }),
    new PolicyStatement({
      sid: 'ReadReleases',
      actions: ['s3:GetObject'],
      resources: [bucket.arnForObjects('released/*')],
    }),
    new PolicyStatement({
      sid: 'FindReleases',
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': 'released/*' } },
    }),
    ...keyStatements(bucket, 'read'),
    ...keyStatements(bucket, 'write'),
  ];
  const codeCommit = codeCommitRepository(repository, { region });
  if (codeCommit && token !== undefined)
    throw new PackleaderError(
      ERRORS.invalidConfiguration,
      'repositoryTokenSecret in packleader.config names a token, which a repository in CodeCommit does not take: take the key out, the hub clones by its own role.',
    );
  if (codeCommit) {
    all.push(
      new PolicyStatement({
        sid: 'CloneFromCodeCommit',
        actions: ['codecommit:GitPull'],
        resources: [`arn:aws:codecommit:${codeCommit.region}:${account}:${codeCommit.name}`],
      }),
    );
  }
  if (token !== undefined) {
    all.push(
      new PolicyStatement({
        sid: 'ReadRepositoryToken',
        actions: ['secretsmanager:GetSecretValue'],
        // Secrets Manager ends every ARN with six characters of its own.
        resources: [`arn:aws:secretsmanager:${region}:${account}:secret:${token}-??????`],
      }),
    );
  }
  return all;
}
