import * as z from 'zod';

/** AWS's own documents, by which an instance is sent a script. */
export const TEST_DOCUMENTS = { linux: 'AWS-RunShellScript', windows: 'AWS-RunPowerShellScript' } as const;

/** How the AMI of a target is tested. */
const testOfTargetSchema = z.object({
  instanceType: z.string(),
  timeoutMinutes: z.number().int(),
  userData: z.string().optional(),
  /** Missing for the default VPC. */
  vpcId: z.string().optional(),
  /** Tried in this order; none leaves it to the filters, or to EC2. */
  subnetIds: z.array(z.string()),
  /** Of DescribeSubnets: the subnets that match, after those. */
  subnetFilters: z.record(z.string(), z.array(z.string())).optional(),
  /** The team's own, besides what says which release it is of. */
  tags: z.record(z.string(), z.string()),
});
export type TestOfTarget = z.infer<typeof testOfTargetSchema>;

/** `tests.json`: how a release is tested, where it is. Targets that are tested in the same way stand together. */
export const testPlanSchema = z.object({
  platform: z.enum(['linux', 'windows']),
  /** The lines of the script that runs every test. */
  script: z.array(z.string()),
  tested: z.array(testOfTargetSchema.extend({ targets: z.array(z.string()) })),
});
export type TestPlan = z.infer<typeof testPlanSchema>;

/** What the test of one AMI came to; written once, and never again. */
export const testResultSchema = z.object({
  imageId: z.string(),
  /** Missing when none was ever launched. */
  instanceId: z.string().optional(),
  /** Of the instance, as far as it was there to be asked: a look that finds none may be too early. */
  groupIds: z.array(z.string()).default([]),
  passed: z.boolean(),
  /** How many tests were run. */
  ran: z.number().int(),
  /** Why it did not pass: what each test that failed printed, or what was waited for. */
  why: z.array(z.string()),
});
export type TestResult = z.infer<typeof testResultSchema>;

/** What `Test <stage> AMIs` tells the states that follow. */
export const testedSchema = z.object({ instances: z.number().int(), tests: z.number().int() });
export type Tested = z.infer<typeof testedSchema>;
