import type {
  DescribeSecretCommandInput,
  DescribeSecretCommandOutput,
} from '@aws-sdk/client-secrets-manager';
import type { Context, Output } from './context.ts';
import { awsError } from './errors.ts';

/** Secrets have no values here: nobody may ask for one. */
function describeSecret(
  { place, world }: Context,
  input: DescribeSecretCommandInput,
): Output<DescribeSecretCommandOutput> {
  const secret = place.secrets.get(input.SecretId ?? '');
  if (secret === undefined)
    throw awsError(
      'secretsmanager',
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret.",
    );
  const { name, hasValue, deletedAt } = secret;
  const mark = world.hex(`${place.accountId}/${place.region}/${name}`, 32);
  return {
    ARN: `arn:aws:secretsmanager:${place.region}:${place.accountId}:secret:${name}-${mark.slice(0, 6)}`,
    Name: name,
    ...(hasValue ? { VersionIdsToStages: { [mark]: ['AWSCURRENT'] } } : {}),
    ...(deletedAt === undefined ? {} : { DeletedDate: new Date(deletedAt) }),
  };
}

export const secretsManager = { DescribeSecret: describeSecret };
