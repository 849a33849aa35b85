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
