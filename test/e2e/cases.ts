/** What is released, what befalls it, and what must be left. */
import type { Fault } from '../../sandbox/faults.ts';
import { BAKE_ENVIRONMENT, NAMES, type Target, targetName } from '../../tasks/contract.ts';
import { differences, normalised } from './compare.ts';
import { LOGIN, STAGES } from './factory.ts';
import type { Installation } from './installation.ts';
import { type Part, answerBuilders } from './machines.ts';
import { rehearseAlone } from './rehearsal.ts';
import { Stand } from './release.ts';

export interface Case {
  readonly name: string;
  /** Returns what is wrong, if anything. */
  readonly run: (installation: Installation, directory: string) => Promise<string[]>;
}

interface ComparedCase {
  readonly images: readonly string[];
  readonly outcome: string;
  /** What the machine behind a builder does. */
  readonly part?: (target: Target, image: string) => Part;
  /** The same, for the rehearsal. */
  readonly faults?: readonly Fault[];
}

function compared(name: string, { images, outcome, part = () => 'bake', faults = [] }: ComparedCase): Case {
  return {
    name,
    run: async (installation, directory) => {
      const stand = await Stand.start(installation, directory, STAGES);
      const { codeBuild, moto, made, targets } = stand;
      codeBuild.onBuild = (build) => {
        const { project, environment } = build;
        if (project.name !== NAMES.bakeProject) return () => {};
        const target = {
          accountId: project.accountId,
          region: environment[BAKE_ENVIRONMENT.region] ?? '',
        };
        const answering = moto
          .ec2(target)
          .then((ec2) =>
            answerBuilders(ec2, { root: installation.root, directory, login: LOGIN }, () =>
              part(target, environment[BAKE_ENVIRONMENT.image] ?? ''),
            ),
          );
        return async () => (await answering)();
      };
      const request = { images: [...images] };
      const released = await stand.release(request);
      const volumes = await Promise.all(
        targets.map(async (target) =>
          (await moto.volumesOf(target)).map((id) => `${targetName(target)} still has the volume ${id}`),
        ),
      );
      const rehearsed = rehearseAlone({
        repository: made.repository,
        request,
        faults,
        startAt: released.startAt.toISOString(),
      });
      const outcomes = released.releases.map((one) => one.outcome).join(', ');
      return [
        ...(outcomes === outcome
          ? []
          : [`The outcome is ${outcomes || released.error}, expected ${outcome}.`, ...errorsOf(released)]),
        ...differences(normalised(rehearsed), normalised(released)),
        ...volumes.flat(),
      ];
    },
  };
}

function errorsOf({ releases }: { releases: readonly { error: { cause: string } | null }[] }): string[] {
  return releases.flatMap(({ error }) => (error ? [error.cause] : []));
}

export const cases: readonly Case[] = [
  compared('released into two accounts and two regions', { images: ['linux-base'], outcome: 'released' }),
];
