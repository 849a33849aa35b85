import * as z from 'zod';

export const secretReferenceSchema = z.union([
  z.strictObject({ secretsManager: z.string().min(1) }),
  z.strictObject({ ssmParameter: z.string().min(1) }),
]);
export type SecretReference = z.infer<typeof secretReferenceSchema>;
