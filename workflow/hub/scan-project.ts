import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { NAMES } from '../../core/contract/names.ts';
import { keyStatements } from '../constructs/bucket-key.ts';
import { SCAN } from '../machines/timeouts.ts';
import { HubBuildProject } from './hub-build-project.ts';

export interface ScanProjectProps {
  readonly bucket: Bucket;
  /** What bash runs; it finds an SBOM in $SBOM, and prints CycloneDX. */
  readonly command: string;
}

/** Lets a command of one's own look at SBOMs. It reads these, writes what it found, and may do nothing else. */
export class ScanProject extends HubBuildProject {
  constructor(scope: Construct, id: string, { bucket, command }: ScanProjectProps) {
    super(scope, id, {
      projectName: NAMES.scanProject,
      description: 'Scans the SBOMs of a release. Started by packleader-release-image.',
      roleDescription: 'Reads SBOMs, and writes what a command found in them.',
      buildSpec: 'scan',
      environmentVariables: { PACKLEADER_SCAN_COMMAND: { value: command } },
      statements: [
        new PolicyStatement({
          sid: 'ReadSboms',
          actions: ['s3:GetObject'],
          resources: [bucket.arnForObjects('sboms/*')],
        }),
        new PolicyStatement({
          sid: 'FindSboms',
          actions: ['s3:ListBucket'],
          resources: [bucket.bucketArn],
          conditions: { StringLike: { 's3:prefix': 'sboms/*' } },
        }),
        new PolicyStatement({
          sid: 'WriteFindings',
          actions: ['s3:PutObject'],
          resources: [bucket.arnForObjects('scans/*')],
        }),
        ...keyStatements(bucket, 'read'),
        ...keyStatements(bucket, 'write'),
      ],
      wildcards: {
        '/sboms/*': 'An SBOM is in a folder of its release.',
        '/scans/*': 'What was found is in a folder of the execution.',
      },
      timeout: SCAN,
    });
  }
}
