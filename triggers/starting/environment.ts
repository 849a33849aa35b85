import * as z from 'zod';
import { TRIGGER_ENVIRONMENT } from '../../core/contract/environments.ts';

type Variable = (typeof TRIGGER_ENVIRONMENT)[keyof typeof TRIGGER_ENVIRONMENT];

/** What the stack told a trigger by its environment. Every value names something; none is a secret. */
export function environment(variable: Variable): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new Error(`The environment has no ${variable}: the stack sets it.`);
  return value;
}

const branchesSchema = z.array(z.string()).min(1);

/** The branches whose pushes start a release; `*` stands for any characters. */
export function pushBranches(): string[] {
  return branchesSchema.parse(JSON.parse(environment(TRIGGER_ENVIRONMENT.branches)));
}
