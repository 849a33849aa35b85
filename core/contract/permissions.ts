import * as z from 'zod';
import { launchPermissionSchema } from './repoints.ts';

/** Who may use an AMI besides its owner. */
export const permissionsSchema = z.object({
  /** Who may launch it. */
  launch: z.array(launchPermissionSchema),
  /** By the id of a snapshot: the accounts that may make volumes of it, as copying the AMI needs it. */
  volumes: z.record(z.string(), z.array(z.string())),
});
export type Permissions = z.infer<typeof permissionsSchema>;

/**
 * What a release gives of one AMI to other accounts, under `keys.permissions`. It is written before anything is given, for neither
 * AMI nor snapshot says who gave what: docs/decisions/permissions.md.
 */
export const permissionNoteSchema = z.object({
  imageId: z.string(),
  /** What was there, of whomever: the release takes none of it away. */
  before: permissionsSchema,
  /** What the release gives. Nothing, once it has taken that back. */
  given: permissionsSchema,
});
export type PermissionNote = z.infer<typeof permissionNoteSchema>;

/** Whom a launch permission is for: an account id, `all`, or an ARN. */
export const permissionName = ({
  UserId,
  Group,
  OrganizationArn,
  OrganizationalUnitArn,
}: {
  readonly UserId?: string | undefined;
  readonly Group?: string | undefined;
  readonly OrganizationArn?: string | undefined;
  readonly OrganizationalUnitArn?: string | undefined;
}): string => UserId ?? Group ?? OrganizationArn ?? OrganizationalUnitArn ?? 'somebody';

/** How many accounts, organisations and organisational units EC2 lets launch one AMI.
 *  @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-quotas.html */
export const MOST_CONSUMERS = 1_000;

/** Who may launch AMIs of a release besides the accounts that hold them. */
export const consumersSchema = z
  .object({
    accounts: z.array(z.string()),
    /** ARNs. */
    organizations: z.array(z.string()),
    organizationalUnits: z.array(z.string()),
  })
  .partial();
export type Consumers = z.infer<typeof consumersSchema>;

/** `consumers.json`: who may launch which AMIs of a release. Targets with the same consumers stand together. */
export const consumerPlanSchema = z.object({
  consumers: z.array(consumersSchema.extend({ targets: z.array(z.string()) })),
});
export type ConsumerPlan = z.infer<typeof consumerPlanSchema>;

/** As EC2 takes them, each once. */
export const launchPermissions = ({
  accounts = [],
  organizations = [],
  organizationalUnits = [],
}: Consumers): Permissions['launch'] => [
  ...[...new Set(accounts)].map((UserId) => ({ UserId })),
  ...[...new Set(organizations)].map((OrganizationArn) => ({ OrganizationArn })),
  ...[...new Set(organizationalUnits)].map((OrganizationalUnitArn) => ({ OrganizationalUnitArn })),
];
