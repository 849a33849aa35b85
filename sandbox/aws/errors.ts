import * as autoscaling from '@aws-sdk/client-auto-scaling';
import * as cloudtrail from '@aws-sdk/client-cloudtrail';
import * as codebuild from '@aws-sdk/client-codebuild';
import * as ec2 from '@aws-sdk/client-ec2';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as iam from '@aws-sdk/client-iam';
import * as s3 from '@aws-sdk/client-s3';
import * as secretsManager from '@aws-sdk/client-secrets-manager';
import * as sfn from '@aws-sdk/client-sfn';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';

/** The base class of each service's errors, and the SDK's classes for those it names. */
const EXCEPTIONS = {
  autoscaling: [autoscaling.AutoScalingServiceException, autoscaling],
  cloudtrail: [cloudtrail.CloudTrailServiceException, cloudtrail],
  codebuild: [codebuild.CodeBuildServiceException, codebuild],
  ec2: [ec2.EC2ServiceException, ec2],
  eventbridge: [eventbridge.EventBridgeServiceException, eventbridge],
  iam: [iam.IAMServiceException, iam],
  // Its client is not published; what is thrown here is answered over HTTP, by its name.
  inspectorscan: [sts.STSServiceException, {}],
  // The same.
  rbin: [sts.STSServiceException, {}],
  s3: [s3.S3ServiceException, s3],
  secretsmanager: [secretsManager.SecretsManagerServiceException, secretsManager],
  sfn: [sfn.SFNServiceException, sfn],
  ssm: [ssm.SSMServiceException, ssm],
  sts: [sts.STSServiceException, sts],
} as const;

export type Service = keyof typeof EXCEPTIONS;

/** An error as the service's own client throws it: of the SDK's class for that name where there is one. */
export function awsError(service: Service, name: string, message: string, status = 400): Error {
  const [Base, sdk] = EXCEPTIONS[service];
  const named: unknown = Reflect.get(sdk, name);
  const Exception = isSubclass(named, Base) ? named : Base;
  return new Exception({
    name,
    message,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status, attempts: 1 },
  });
}

const isSubclass = <T extends abstract new (...arguments_: never) => Error>(
  candidate: unknown,
  base: T,
): candidate is T => typeof candidate === 'function' && Object.prototype.isPrototypeOf.call(base, candidate);
