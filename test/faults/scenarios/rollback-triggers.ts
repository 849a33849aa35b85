/** Ways for a release to fail that lead into the undo; the more of it, the better. */
import type { SandboxFault, SandboxFaultKind } from '../sandbox/fault-kinds.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';

export interface RollbackTrigger {
  readonly name: string;
  readonly faults: readonly SandboxFault[];
}

/** Each takes its calls from those that a release without a fault makes. */
export function rollbackTriggers(calls: readonly RecordedCall[]): RollbackTrigger[] {
  function last(
    state: string,
    operation: string,
    kind: SandboxFaultKind,
    by: 'state' | 'packer' = 'state',
  ): SandboxFault {
    const found = calls.findLast(
      ({ point }) => point.state === state && point.operation === operation && point.by === by,
    );
    if (found === undefined) throw new Error(`${state} never calls ${operation}, so it cannot fail there.`);
    return { point: found.point, kind };
  }
  return [
    { name: 'no source', faults: [last('Resolve source AMIs', 'ec2:DescribeImages', 'denied')] },
    { name: 'dev fails', faults: [last('Bake dev AMIs', 'ec2:CreateImage', 'refused', 'packer')] },
    { name: 'prod is killed', faults: [last('Bake prod AMIs', 'ec2:CreateImage', 'killed', 'packer')] },
    {
      name: 'prod is killed early',
      faults: [last('Bake prod AMIs', 'ec2:RunInstances', 'killed', 'packer')],
    },
    {
      name: 'prod is lost from sight',
      // The slowest: what has ended when the stage is checked is no loss.
      faults: [firstOfSlowest('Bake prod AMIs', 'codebuild:BatchGetBuilds', 'denied')],
    },
    { name: 'prod is unsound', faults: [last('Check prod AMIs', 'ec2:DescribeImages', 'denied')] },
    { name: 'publishing fails', faults: [last('Publish release', 'ssm:PutParameter', 'denied')] },
    { name: 'publishing fails at its end', faults: [last('Publish release', 'ssm:GetParameter', 'denied')] },
  ];

  function firstOfSlowest(state: string, operation: string, kind: SandboxFaultKind): SandboxFault {
    const { place } = last(state, operation, kind).point;
    const found = calls.find(
      ({ point }) => point.state === state && point.operation === operation && point.place === place,
    );
    if (found === undefined) throw new Error(`${state} never calls ${operation}, so it cannot fail there.`);
    return { point: found.point, kind };
  }
}
