import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { asFact } from '../core/aws/errors.ts';
import { ERRORS, PackleaderError } from '../core/contract/errors.ts';

/** A secret in memory; an object, so that it never stands where a text is expected. */
export interface Token {
  readonly value: string;
}

const secretsManager = new SecretsManagerClient({});

/** Read each time: statuses are rare, and a token that was taken back must not be used any more. */
export async function readToken(secret: string): Promise<Token> {
  const { SecretString = '' } = await secretsManager
    .send(new GetSecretValueCommand({ SecretId: secret }))
    .catch((error: unknown) => {
      throw asFact(error);
    });
  const value = SecretString.trim();
  // It becomes part of a header, and whatever else it held would be another one.
  if (/^[!-~]{8,2000}$/.test(value)) return { value };
  throw new PackleaderError(
    ERRORS.invalidConfiguration,
    `The secret ${secret} must be one token and nothing else: printable characters without spaces, at least 8 of them.`,
  );
}
