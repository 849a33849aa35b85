/** What stands in an account, as the services tell it that CloudFormation created it with. */
import { join } from 'node:path';
import * as z from 'zod';
import { type Statement, statementSchema } from '../../fixtures/synthesised.ts';
import type { Moto } from '../moto.ts';
import { administratorOf, typed } from './accounts.ts';

const named = z.looseObject({ name: z.string(), arn: z.string() });
const statements = z.array(statementSchema);
export const inventorySchema = z.strictObject({
  stacks: z.array(
    z.strictObject({
      name: z.string(),
      status: z.string(),
      resources: z.array(z.strictObject({ id: z.string(), type: z.string() })),
      outputs: z.record(z.string(), z.string()),
    }),
  ),
  roles: z.array(named.extend({ trust: statements, statements, isDeployed: z.boolean() })),
  instanceProfiles: z.array(
    z.strictObject({ name: z.string(), arn: z.string(), roles: z.array(z.string()) }),
  ),
  functions: z.array(
    named.extend({
      role: z.string(),
      handler: z.string(),
      /** Of its code, in base 64. */
      sha256: z.string(),
      timeout: z.number(),
      environment: z.record(z.string(), z.string()),
      /** As moto keeps it: what CloudFormation was told. */
      policy: z.array(z.looseObject({ Action: z.string(), Principal: z.unknown() })),
      url: z.string().nullable(),
      /** What becomes of an asynchronous invocation that fails; null: two more attempts, then nothing. */
      asynchronously: z.strictObject({ retries: z.number(), onFailure: z.string().nullable() }).nullable(),
    }),
  ),
  machines: z.array(named.extend({ role: z.string(), definition: z.string() })),
  projects: z.array(
    named.extend({
      serviceRole: z.string(),
      source: z.looseObject({ buildspec: z.string() }),
      artifacts: z.looseObject({
        type: z.string(),
        location: z.string().optional(),
        path: z.string().optional(),
      }),
      environment: z.looseObject({
        environmentVariables: z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]),
      }),
    }),
  ),
  buckets: z.array(z.strictObject({ name: z.string(), policy: statements })),
  rules: z.array(
    named.extend({
      pattern: z.string().nullable(),
      targets: z.array(
        z.looseObject({
          Arn: z.string(),
          RoleArn: z.string().optional(),
          Input: z.string().optional(),
          InputTransformer: z
            .object({
              InputPathsMap: z.record(z.string(), z.string()).default({}),
              InputTemplate: z.string(),
            })
            .optional(),
        }),
      ),
    }),
  ),
  queues: z.array(z.strictObject({ arn: z.string(), url: z.string(), policy: statements })),
  topics: z.array(z.string()),
  alarms: z.array(z.looseObject({ AlarmName: z.string(), AlarmArn: z.string() })),
  dashboards: z.array(z.string()),
  logGroups: z.array(z.string()),
  metricFilters: z.array(
    z.looseObject({
      filterName: z.string(),
      logGroupName: z.string(),
      metricTransformations: z.array(z.looseObject({ metricName: z.string() })),
    }),
  ),
  scheduleGroups: z.array(z.string()),
  schedules: z.array(
    z.looseObject({
      Name: z.string(),
      GroupName: z.string(),
      Arn: z.string(),
      Target: z.looseObject({ Arn: z.string(), RoleArn: z.string(), Input: z.string() }),
    }),
  ),
  tables: z.array(z.string()),
  keys: z.array(z.strictObject({ arn: z.string(), policy: statements })),
  parameters: z.array(z.string()),
});
export type Inventory = z.infer<typeof inventorySchema>;
export interface DeployedRole {
  readonly arn: string;
  readonly trust: readonly Statement[];
  readonly statements: readonly Statement[];
}

export async function inventoryOf(moto: Moto, python: string, accountId: string): Promise<Inventory> {
  const env = await administratorOf(moto, accountId);
  const program = join(import.meta.dirname, 'inventory.py');
  return inventorySchema.parse(JSON.parse(await typed(python, [program, moto.endpoint], { env })));
}
