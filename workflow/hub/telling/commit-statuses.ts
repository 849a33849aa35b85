import { Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { CommitStatusSettings } from '../../../core/configuration/deployment-settings.ts';
import { repositoryPath } from '../../../core/configuration/repository-url.ts';
import { TELL_ENVIRONMENT } from '../../../core/contract/environments.ts';
import { NAMES } from '../../../core/contract/names.ts';
import { STATUS_APIS } from '../../../core/contract/telling.ts';
import { type FailedTriggers, handOver } from '../failed-triggers.ts';
import { TellingFunction, statusChanges } from './telling-function.ts';

export interface CommitStatusesProps extends CommitStatusSettings {
  /** The URL in factory.yaml. */
  readonly repository: string;
  readonly failed: FailedTriggers;
  /** Encrypts the state machines; default: keys of AWS's do. */
  readonly key?: Key;
}

const MACHINES = [NAMES.releaseMachine, NAMES.releaseImageMachine];

/** Lets the repository show at each commit how its release goes. */
export class CommitStatuses extends Construct {
  constructor(scope: Construct, id: string, props: CommitStatusesProps) {
    super(scope, id);
    const { provider, tokenSecret, apiUrl = STATUS_APIS[provider], repository, failed, key } = props;
    const { account, region } = Stack.of(this);
    const tell = new TellingFunction(this, 'commit-status', {
      file: 'commit-status',
      description: 'Tells the repository how the release of a commit goes.',
      environment: {
        [TELL_ENVIRONMENT.provider]: provider,
        [TELL_ENVIRONMENT.apiUrl]: apiUrl,
        [TELL_ENVIRONMENT.repository]: repositoryPath(repository),
        [TELL_ENVIRONMENT.tokenSecret]: tokenSecret,
      },
      machines: MACHINES,
      failed,
      ...(key && { key }),
    });
    tell.addToRolePolicy(
      new PolicyStatement({
        sid: 'ReadToken',
        actions: ['secretsmanager:GetSecretValue'],
        resources: [`arn:aws:secretsmanager:${region}:${account}:secret:${tokenSecret}-??????`],
      }),
    );
    new Rule(this, 'Rule', {
      ruleName: 'packleader-on-commit',
      description: 'Tells the repository when a release begins and ends.',
      eventPattern: statusChanges(this, MACHINES),
      targets: [new LambdaFunction(tell, handOver(failed))],
    });
  }
}
