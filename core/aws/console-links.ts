/**
 * A log stream in the CloudWatch console. The console wants names encoded twice, with `$` in place of `%`. A link names a region but
 * no account: it opens in the account that the reader is signed in to, so whoever shows it says which one that must be.
 */
export function logLink({
  region,
  group,
  stream,
}: {
  region: string;
  group: string;
  stream: string;
}): string {
  const name = (text: string) => encodeURIComponent(encodeURIComponent(text)).replaceAll('%', '$');
  return `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${name(group)}/log-events/${name(stream)}`;
}

/** The page of a state machine in the console of Step Functions, with the button that starts it. */
export const machineLink = ({ region, arn }: { readonly region: string; readonly arn: string }): string =>
  `https://${region}.console.aws.amazon.com/states/home?region=${region}#/statemachines/view/${arn}`;

/** The page of one execution in the console of Step Functions. */
export function executionLink({ executionArn }: { readonly executionArn: string }): string {
  const region = executionArn.split(':')[3] ?? '';
  return `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${executionArn}`;
}
