// Where a builder may run, in the order in which that is tried, and what in Packer's log says that it may be tried elsewhere.

/** Variables of the template. @typedef {{ instance_type?: string, subnet_id?: string, spot?: boolean, keep_minutes?: number }} Choice */

/**
 * Every instance type in a subnet, then the next subnet; as Spot Instances first, if they may be.
 * @param {readonly string[]} instanceTypes
 * @param {readonly string[]} subnetIds an empty one is the default VPC's
 * @param {{ spot?: boolean | undefined, keepMinutes?: number | undefined }} [asked] for how long a builder is kept when its bake fails
 * @returns {Choice[]}
 */
export function choicesOf(instanceTypes, subnetIds, { spot, keepMinutes } = {}) {
  const kept = keepMinutes ? { keep_minutes: keepMinutes } : {};
  const places = subnetIds.flatMap((subnet_id) =>
    instanceTypes.map((instance_type) => ({ instance_type, subnet_id, ...kept })),
  );
  return spot ? [...places.map((place) => ({ ...place, spot })), ...places] : places;
}

/** What Packer ends with; a provisioner's lines all begin with the name of the build. */
const REASON = /^(?:\S+Z: )?Build '[^']*' errored[^:]*: (.*)$/gm;
const NOTHING_MADE = /^==> Builds finished but no artifacts were created\.$/m;
const NO_BUILDER =
  /^Error launching source instance: (Insufficient\w+|(?:Instance|Vcpu)LimitExceeded|Unsupported): /;
/**
 * A Spot Instance that EC2 did not launch: the plugin tells the message of the fleet's error and not its code. Whatever it is, one on
 * demand may be had, unless a permission is missing.
 */
const NO_SPOT =
  /^(?:Error waiting for fleet request \(\S+\) to become ready:(?!.*(?:authoriz|permission))|(?=(?:MaxSpot|SpotMax|Unfulfill|Insufficient)\w+: ))(.+)/;
/** EC2 took the request, and ended the instance before it ran. */
const ENDED = /^Error waiting for instance \(/;
const WHY_ENDED = /: Instance state change details: Server\.(Insufficient\w+): /;

/**
 * Whether a run of Packer failed before it had begun to make an AMI.
 * @param {string} log
 */
export const hasNoAmi = (log) => NOTHING_MADE.test(log) && !/: AMI: ami-/.test(log);

/**
 * EC2's word for why no builder could be had, if that is why Packer failed: it has made nothing then, least of all an AMI.
 * `passes` says whether the same may be had later.
 * @param {string} log of one run of Packer
 * @returns {{ code: string, passes: boolean } | undefined}
 */
export function noBuilder(log) {
  const codes = [...log.matchAll(REASON)].map(
    ([, reason = '']) =>
      (ENDED.test(reason) ? WHY_ENDED.exec(log) : (NO_BUILDER.exec(reason) ?? NO_SPOT.exec(reason)))?.[1],
  );
  const [code] = codes;
  if (code === undefined || codes.includes(undefined) || !NOTHING_MADE.test(log)) return undefined;
  return { code, passes: code !== 'Unsupported' };
}
