// Where a builder may run, in the order in which that is tried, and what in Packer's log says that it may be tried elsewhere.

/** Variables of the template. @typedef {{ instance_type?: string, subnet_id?: string }} Choice */

/**
 * Every instance type in a subnet, then the next subnet.
 * @param {readonly string[]} instanceTypes
 * @param {readonly string[]} subnetIds an empty one is the default VPC's
 * @returns {Choice[]}
 */
export const choicesOf = (instanceTypes, subnetIds) =>
  subnetIds.flatMap((subnet_id) => instanceTypes.map((instance_type) => ({ instance_type, subnet_id })));

/** What Packer ends with; a provisioner's lines all begin with the name of the build. */
const REASON = /^(?:\S+Z: )?Build '[^']*' errored[^:]*: (.*)$/gm;
const NOTHING_MADE = /^==> Builds finished but no artifacts were created\.$/m;
const NO_BUILDER =
  /^Error launching source instance: (Insufficient\w+|(?:Instance|Vcpu)LimitExceeded|Unsupported): /;
/** EC2 took the request, and ended the instance before it ran. */
const ENDED = /^Error waiting for instance \(/;
const WHY_ENDED = /: Instance state change details: Server\.(Insufficient\w+): /;

/**
 * EC2's word for why no builder could be had, if that is why Packer failed: it has made nothing then, least of all an AMI.
 * `passes` says whether the same may be had later.
 * @param {string} log of one run of Packer
 * @returns {{ code: string, passes: boolean } | undefined}
 */
export function noBuilder(log) {
  const codes = [...log.matchAll(REASON)].map(
    ([, reason = '']) => (ENDED.test(reason) ? WHY_ENDED.exec(log) : NO_BUILDER.exec(reason))?.[1],
  );
  const [code] = codes;
  if (code === undefined || codes.includes(undefined) || !NOTHING_MADE.test(log)) return undefined;
  return { code, passes: code !== 'Unsupported' };
}
