import * as z from 'zod';

/** An SBOM in the hub's bucket, and whose it is. AMIs that list the same packages have one. */
export const sbomPlaceSchema = z.object({
  key: z.string(),
  /** Of the document. */
  sha256: z.string(),
  components: z.number().int(),
  /** Of the list of packages that it was made of, which each of the bakes told; missing in what older deployments wrote. */
  packagesSha256: z.string().optional(),
  /** As `<account>/<region>`; missing when it is of all of them. */
  targets: z.array(z.string()).optional(),
});
export type SbomPlace = z.infer<typeof sbomPlaceSchema>;

/** `sboms.json`: what was left of a release. */
export const sbomsSchema = z.object({
  sboms: z.array(sbomPlaceSchema),
  /** Targets without one, and why. */
  without: z.array(z.object({ targets: z.array(z.string()), why: z.string() })),
});
export type Sboms = z.infer<typeof sbomsSchema>;
