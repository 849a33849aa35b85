import * as z from 'zod';
import { commitIdSchema } from '../../../core/contract/events.ts';
import { Refusal, type Request } from '../http.ts';

/** One branch or tag that a push moved. */
export interface Change {
  /** In full: `refs/heads/main`. */
  readonly ref: string;
  /** What it points at now; null when it was deleted. */
  readonly commit: string | null;
}

export interface Push {
  /** The URLs that the provider gives for the repository: one of them is the one that the factory names. */
  readonly repositories: readonly string[];
  readonly changes: readonly Change[];
}

/** A place that sends webhooks. */
export interface Provider {
  readonly name: 'github' | 'gitlab' | 'bitbucket';
  /** Whether the request says that it comes from here; anybody can say so. */
  recognises(headers: Request['headers']): boolean;
  isSigned(request: Request, secret: string): boolean;
  /** What the provider calls this delivery, where people look it up. @throws Refusal 400 */
  deliveryId(headers: Request['headers']): string;
  /** What tells this delivery from every other, and what nobody without the secret can change. */
  fingerprint(request: Request): string;
  /** Undefined when it is another event than a push. @throws Refusal 400 */
  readPush(headers: Request['headers'], payload: unknown): Push | undefined;
}

/** A commit that a branch points at; git writes a deleted one as zeros. */
export const commitSchema = commitIdSchema.transform((commit) => (/^0+$/.test(commit) ? null : commit));

/** @throws Refusal 400 that names the first field that is missing or odd */
export function readPayload<S extends z.ZodType>(schema: S, payload: unknown): z.infer<S> {
  const parsed = schema.safeParse(payload);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') || 'payload';
  throw new Refusal(400, `The push cannot be understood: ${field}: ${issue?.message}.`);
}

/** @throws Refusal 400 */
export function idIn(headers: Request['headers'], ...names: readonly string[]): string {
  const id = names.map((name) => headers.get(name)).find((value) => value !== undefined);
  if (id !== undefined && /^[\w{}.:-]{1,100}$/.test(id)) return id;
  throw new Refusal(400, `The delivery has no id: the header ${names.join(' or ')} is missing or odd.`);
}
