import { type App, Duration } from 'aws-cdk-lib';
import * as z from 'zod';
import { execFileSync } from 'node:child_process';
import { basename, resolve } from 'node:path';
import {
  InvalidConfiguration,
  type Problem,
  problem,
  throwIfAny,
} from '../core/configuration/documents/problems.ts';
import { factoryDirectory } from '../core/configuration/factory-directory.ts';
import { type Files, directoryProblems, filesInDirectory, withOutside } from '../core/configuration/files.ts';

const toolSchema = z.strictObject({
  version: z.string().regex(/^\d+(\.\d+)+$/, 'must look like 1.14.2'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must have 64 hexadecimal digits'),
});

/** docs/runbook.md says what each is for. */
const alarmsSchema = z
  .strictObject({
    email: z.email().optional(),
    topicArn: z
      .string()
      .regex(/^arn:aws:sns:[a-z0-9-]+:\d{12}:[\w-]+$/, 'must be the ARN of an SNS topic')
      .optional(),
    usualMinutes: z.number().int().positive().optional(),
    runbook: z.url().optional(),
  })
  .refine(({ email, topicArn }) => email === undefined || topicArn === undefined, {
    message: 'must have either email or topicArn: who is told by your own topic is for that topic to say',
  })
  .transform(({ email, topicArn, usualMinutes, runbook }) => ({
    notify: { ...(email !== undefined && { email }), ...(topicArn !== undefined && { topicArn }) },
    ...(usualMinutes !== undefined && { usualTime: Duration.minutes(usualMinutes) }),
    ...(runbook !== undefined && { runbook }),
  }));

/** By account, because a VPC has an owner. */
const bakeVpcsSchema = z.record(
  z.string().regex(/^\d{12}$/, 'must be an account id of 12 digits'),
  z.strictObject({
    vpcId: z.string().regex(/^vpc-[0-9a-f]+$/, 'must look like vpc-0d0e0f00000000001'),
    subnetIds: z
      .array(z.string().regex(/^subnet-[0-9a-f]+$/, 'must look like subnet-0d0e0f00000000001'))
      .min(1, 'must name at least one subnet')
      .max(16, 'must name at most 16 subnets'),
    securityGroupIds: z
      .array(z.string().regex(/^sg-[0-9a-f]+$/, 'must look like sg-0d0e0f00000000001'))
      .min(1, 'must name at least one security group')
      .max(5, 'must name at most 5 security groups'),
  }),
);

const contextSchema = z
  .object({
    packer: toolSchema,
    sessionManagerPlugin: toolSchema,
    repositoryTokenSecret: z.string().min(1),
    webhookSecret: z.string().regex(/^[\w/+=.@-]{1,505}$/, 'must be the name of a secret, not its ARN'),
    organizationId: z.string().regex(/^o-[a-z0-9]{10,32}$/, 'must look like o-a1b2c3d4e5'),
    customerKey: z.boolean(),
    bakeVpcs: bakeVpcsSchema,
    alarms: alarmsSchema,
  })
  .partial();

/**
 * What cdk.json, or `--context`, says besides the factory, under `packleader:<key>`; docs/deploying.md says what each is for.
 * What is not said is left out.
 */
export function contextOf(app: App): z.infer<typeof contextSchema> {
  const said = Object.keys(contextSchema.shape).flatMap((key) => {
    const value: unknown = app.node.tryGetContext(`packleader:${key}`);
    return value === undefined ? [] : [[key, value] as const];
  });
  const parsed = contextSchema.safeParse(Object.fromEntries(said));
  if (parsed.success) return parsed.data;
  throw new InvalidConfiguration(
    parsed.error.issues.map((issue) => {
      const { path, message } = issue;
      const [wrongKey] = issue.code === 'invalid_key' ? issue.issues : [];
      return contextProblem(path.map(String), wrongKey?.message ?? message);
    }),
  );
}

const contextProblem = ([key = '', ...path]: readonly string[], message: string): Problem =>
  problem('cdk.json', 0, [`packleader:${key}`, ...path], message);

/** What is said of a context key that is wrong; `path` begins with the key. */
export const refusedContext = (path: readonly string[], message: string): InvalidConfiguration =>
  new InvalidConfiguration([contextProblem(path, message)]);

/** The factory of this repository, or of `--context factory=<directory>`: its files, and where they lie in their repository. */
export function factoryOf(app: App): { readonly files: Files; readonly path: string } {
  const directory = z.string().optional().parse(app.node.tryGetContext('factory'));
  const root = factoryDirectory(directory ?? new URL('../packer', import.meta.url).pathname);
  const files = filesInDirectory(root);
  throwIfAny(directoryProblems(root, files));
  const path = pathInRepository(root);
  // A factory at the root of its repository has all of it inside.
  if (path === '.') return { files, path };
  const repository = resolve(root, ...path.split('/').map(() => '..'));
  return { files: withOutside(files, repository), path };
}

/** From the root of the git repository; `.` is the root itself. What is in none yet will be in the directory of its name. */
function pathInRepository(root: string): string {
  try {
    const prefix = execFileSync('git', ['rev-parse', '--show-prefix'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return prefix.trim().replace(/\/$/, '') || '.';
  } catch {
    return basename(resolve(root)) === 'packer' ? 'packer' : '.';
  }
}
