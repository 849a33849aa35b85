import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { asFact } from '../../core/aws/errors.ts';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';
import { ERRORS, PackleaderError } from '../../core/contract/errors.ts';
import { environment } from '../starting/environment.ts';

const secretsManager = new SecretsManagerClient({});

/** How long a secret that was taken back may still be good. */
const KEPT_MS = 5 * 60_000;

/** A signature that nothing fits may be made with a new secret; how often that is looked up, whoever sends them. */
const REFRESHED_AFTER_MS = 30_000;

let held: { readonly secrets: readonly string[]; readonly readAt: number } | undefined;

/** Whether one of the webhook's secrets fits. A new one counts at once, one that was taken back no longer than 5 minutes. */
export async function someSecret(fits: (secret: string) => boolean): Promise<boolean> {
  const secrets = await secretsNoOlderThan(KEPT_MS);
  if (secrets.some(fits)) return true;
  const newer = await secretsNoOlderThan(REFRESHED_AFTER_MS);
  return newer !== secrets && newer.some(fits);
}

async function secretsNoOlderThan(ageMs: number): Promise<readonly string[]> {
  if (held !== undefined && Date.now() - held.readAt < ageMs) return held.secrets;
  const readAt = Date.now();
  const secrets = await readSecrets(environment(TRIGGER_ENVIRONMENT.webhookSecret));
  held = { secrets, readAt };
  return secrets;
}

async function readSecrets(name: string): Promise<string[]> {
  const { SecretString = '' } = await secretsManager
    .send(new GetSecretValueCommand({ SecretId: name }))
    .catch((error: unknown) => {
      throw asFact(error);
    });
  const parsed = secretsSchema.safeParse(SecretString.trim());
  if (parsed.success) return parsed.data;
  throw new PackleaderError(ERRORS.invalidConfiguration, `The secret ${name} ${ALLOWED}.`);
}

const ALLOWED =
  'must be one text of at least 16 characters, or a JSON list of one or two such texts while it is rotated';

const secretsSchema = z
  .string()
  .transform((text): unknown => {
    try {
      return text.startsWith('[') ? JSON.parse(text) : [text];
    } catch {
      return undefined;
    }
  })
  // With an empty secret, or a guessed one, anybody could sign.
  .pipe(z.array(z.string().min(16)).min(1).max(2));
