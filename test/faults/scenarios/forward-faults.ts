/** No fault, or one, on the way forward. */
import { nameOfPoint } from '../player/injection-points.ts';
import type { RecordedCall } from '../sandbox/recorder.ts';
import { faultsIn, withoutMiddlePolls } from './fault-model.ts';
import { type Category, PASTS, scenarioOf, withFault } from './scenario-of.ts';

const PUBLISHING = /^(Publish|Withdraw)/;
const LISTS_VERSIONS = /^Publish release: ssm:GetParametersByPath/;

export function forwardFaults(good: readonly RecordedCall[]): Category[] {
  const forward = faultsIn(withoutMiddlePolls(good));
  return [
    {
      name: 'nothing',
      atLeast: PASTS.length,
      scenarios: PASTS.map((past) => scenarioOf('nothing', { past, ends: ['released'] })),
    },
    {
      name: 'one fault',
      atLeast: 1_500,
      scenarios: forward.map((fault) => ({
        ...withFault('one fault', 'released before', fault),
        blames: 'the account',
      })),
    },
    {
      name: 'one fault, another past',
      atLeast: 500,
      scenarios: PASTS.slice(1).flatMap((past) =>
        forward
          .filter(({ point }) => PUBLISHING.test(point.state))
          .map((fault) => withFault('one fault, another past', past, fault)),
      ),
    },
    {
      name: 'a list that lags behind',
      atLeast: 4,
      // Where an older version is the newest that can be read, it must not be taken for the newest there is.
      scenarios: forward
        .filter(({ point, kind }) => LISTS_VERSIONS.test(nameOfPoint(point)) && /^(stale|partial)/.test(kind))
        .map((fault) => withFault('a list that lags behind', 'released once', fault)),
    },
  ];
}
