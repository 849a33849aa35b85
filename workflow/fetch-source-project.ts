import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BuildSpec, ComputeType, LinuxArmBuildImage, Project } from 'aws-cdk-lib/aws-codebuild';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { NAMES } from '../tasks/contract.ts';
import * as timeouts from './timeouts.ts';

/** Checks out the commit of a release and packs `packer/` into the bucket. */
export class FetchSourceProject extends Project {
  constructor(scope: Construct, id: string, props: { readonly bucket: Bucket; readonly repository: string }) {
    super(scope, id, {
      projectName: NAMES.fetchSourceProject,
      buildSpec: BuildSpec.fromObjectToYaml(
        parse(readFileSync(new URL('../buildspecs/fetch-source.yml', import.meta.url), 'utf8')),
      ),
      environment: {
        buildImage: LinuxArmBuildImage.AMAZON_LINUX_2_STANDARD_3_0,
        computeType: ComputeType.SMALL,
      },
      environmentVariables: { PACKLEADER_REPOSITORY: { value: props.repository } },
      timeout: Duration.minutes(timeouts.FETCH_SOURCE.toMinutes() - 1),
      logging: {
        cloudWatch: {
          logGroup: new LogGroup(scope, `${id}Logs`, {
            logGroupName: `/packleader/${NAMES.fetchSourceProject}`,
            retention: RetentionDays.SIX_MONTHS,
            removalPolicy: RemovalPolicy.RETAIN,
          }),
        },
      },
    });
    props.bucket.grantPut(this, 'sources/*');
    props.bucket.grantRead(this, 'released/*');
  }
}
