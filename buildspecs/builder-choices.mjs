// Where a builder may run, in the order in which that is tried, and what in Packer's log says that it may be tried elsewhere.

/** Variables of the template. @typedef {{ instance_type?: string, subnet_id?: string }} Choice */

/**
 * Every instance type in a subnet, then the next subnet. What the plan leaves to the variables of the target is left out.
 * @param {{ instanceTypes?: readonly string[], subnetIds?: readonly string[] }} told
 * @returns {Choice[]}
 */
export function choicesOf({ instanceTypes = [], subnetIds = [] }) {
  const types = instanceTypes.length === 0 ? [{}] : instanceTypes.map((type) => ({ instance_type: type }));
  const subnets = subnetIds.length === 0 ? [{}] : subnetIds.map((id) => ({ subnet_id: id }));
  return subnets.flatMap((subnet) => types.map((type) => ({ ...type, ...subnet })));
}

/** What Packer ends with; a provisioner's lines all begin with the name of the build. */
const REASON = /^(?:\S+Z: )?Build '[^']*' errored[^:]*: (.*)$/gm;
const NOTHING_MADE = /^==> Builds finished but no artifacts were created\.$/m;
const NO_BUILDER =
  /^Error launching source instance: (Insufficient\w+|InstanceLimitExceeded|VcpuLimitExceeded|Unsupported(?=: .*Availability Zone)): /;
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
  const reasons = [...log.matchAll(REASON)].map(([, reason = '']) => reason);
  if (reasons.length === 0 || !NOTHING_MADE.test(log)) return undefined;
  const codes = reasons.map((reason) =>
    ENDED.test(reason) ? WHY_ENDED.exec(log)?.[1] : NO_BUILDER.exec(reason)?.[1],
  );
  const [code] = codes;
  return code === undefined || codes.includes(undefined)
    ? undefined
    : { code, passes: code !== 'Unsupported' };
}
