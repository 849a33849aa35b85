import { describe, expect, it } from 'vitest';
import { type Evidence, releaseStatusOf } from '../../../core/releases/release-status.ts';
import { HUB, awsError, call, useAws } from '../../fixtures/aws/strict-aws.ts';
import { RELEASE } from '../../fixtures/releases.ts';
import {
  PLANNED,
  RELEASE_ARN,
  SWEEP,
  describeExecution,
  history,
  releaseEnded,
  unknownExecution,
} from '../../fixtures/aws/executions.ts';

const aws = useAws();

const judge = async (evidence: Partial<Evidence> = {}) =>
  releaseStatusOf({
    releaseId: RELEASE.releaseId,
    executions: new Set([RELEASE_ARN]),
    states: new Set(['candidate']),
    published: false,
    recorded: new Set(),
    sweepArn: SWEEP.id,
    now: SWEEP.startedAt,
    ...evidence,
  });

describe('a release', () => {
  it('that was announced is released, without another look', async () => {
    expect(await judge({ recorded: new Set([RELEASE.releaseId]) })).toMatchObject({ is: 'released' });
    expect(aws.sent).toEqual([]);
  });

  it.each(['RUNNING', 'PENDING_REDRIVE'] as const)('whose execution is %s runs', async (status) => {
    releaseEnded(aws, status);
    expect(await judge()).toEqual({ is: 'running', why: `its execution is ${status}` });
    expect(aws.sent).toEqual([call(HUB, describeExecution(RELEASE_ARN))]);
  });

  it('whose execution succeeded is released', async () => {
    releaseEnded(aws, 'SUCCEEDED');
    expect(await judge()).toMatchObject({ is: 'released' });
  });

  it.each(['ABORTED', 'TIMED_OUT', 'FAILED'] as const)(
    'whose execution ended %s before the pivot is dead',
    async (status) => {
      releaseEnded(aws, status);
      expect(await judge()).toEqual({
        is: 'dead',
        why: `its execution ended ${status}`,
        endedAt: '2026-11-21T10:00:00.000Z',
        publishing: false,
        planned: PLANNED,
        attempts: [`web-${RELEASE.version}`],
      });
      expect(aws.sent).toEqual([
        call(HUB, describeExecution(RELEASE_ARN)),
        call(HUB, history()),
        call(HUB, describeExecution(`${RELEASE_ARN}-r2`)),
      ]);
    },
  );

  it('that was stopped while it was being published is dead, and its task may still be at work', async () => {
    releaseEnded(aws, 'ABORTED', { states: ['Apply version tags', 'Publish release'] });
    expect(await judge()).toMatchObject({ is: 'dead', publishing: true });
  });

  it.each(['ABORTED', 'TIMED_OUT', 'FAILED'] as const)(
    'whose execution ended %s behind the pivot is released: every target has it',
    async (status) => {
      releaseEnded(aws, status, { states: ['Publish release', 'Announce release'] });
      expect(await judge()).toMatchObject({ is: 'released' });
    },
  );

  it('is released when the pivot is on a later page of a long history', async () => {
    releaseEnded(aws, 'FAILED', { states: ['Released without announcement'] });
    const page = (nextToken: string | undefined, name: string) => ({
      events: [
        {
          id: 1,
          timestamp: new Date(0),
          type: 'TaskStateEntered' as const,
          stateEnteredEventDetails: { name },
        },
      ],
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    const later = history();
    later.input.nextToken = 'more';
    aws.on(HUB, history(), page('more', 'Released without announcement'));
    aws.on(HUB, later, page(undefined, 'Announce release'));
    expect(await judge()).toMatchObject({ is: 'released' });
  });

  it('is unclear when its tag names an execution of another hub', async () => {
    const foreign = RELEASE_ARN.replace('999999999999', '888888888888');
    expect(await judge({ executions: new Set([RELEASE_ARN, foreign]) })).toEqual({
      is: 'unclear',
      why: `its tag names another execution, ${foreign}`,
    });
  });

  it.each(['web', 'web@latest', '@1.4.20261121093000', 'a@b@1.4.20261121093000'])(
    'is unclear when its id is "%s"',
    async (releaseId) => {
      expect(await judge({ releaseId })).toMatchObject({ is: 'unclear' });
    },
  );

  it.each([
    ['runs', { status: 'RUNNING' as const }, { is: 'running' }],
    ['is released', { status: 'SUCCEEDED' as const, stopDate: new Date() }, { is: 'released' }],
  ])('whose retry %s does as well, though its first attempt is dead', async (_, described, expected) => {
    releaseEnded(aws, 'FAILED');
    aws.on(HUB, describeExecution(`${RELEASE_ARN}-r2`), described);
    expect(await judge()).toMatchObject(expected);
  });

  it('whose retry is dead too is dead since then, and both may have left bakes', async () => {
    releaseEnded(aws, 'FAILED');
    const retry = `${RELEASE_ARN}-r2`;
    const stopDate = new Date('2026-11-21T11:00:00Z');
    aws.on(HUB, describeExecution(retry), { status: 'ABORTED', input: JSON.stringify(PLANNED), stopDate });
    aws.on(HUB, history(retry), { events: [] });
    unknownExecution(aws, `${RELEASE_ARN}-r3`);
    expect(await judge()).toMatchObject({
      is: 'dead',
      why: 'its execution ended ABORTED',
      endedAt: '2026-11-21T11:00:00.000Z',
      attempts: [`web-${RELEASE.version}`, `web-${RELEASE.version}-r2`],
    });
  });

  it.each(['AccessDeniedException', 'ThrottlingException'])(
    'fails on %s instead of taking unknown for dead',
    async (code) => {
      aws.on(HUB, describeExecution(RELEASE_ARN), awsError(code));
      await expect(judge()).rejects.toThrow(code);
      releaseEnded(aws, 'ABORTED');
      aws.on(HUB, history(), awsError(code));
      await expect(judge()).rejects.toThrow(code);
    },
  );
});

describe('what was imported', () => {
  it.each([
    ['old', '2028-01-01T00:00:00Z'],
    ['young', SWEEP.startedAt],
  ])('is never dead, however %s, and nobody is asked for an execution', async (_age, now) => {
    const states = new Set(['imported']);
    const executions = new Set(['none: imported']);
    expect(await judge({ states, executions, now })).toEqual({
      is: 'released',
      why: 'it was there before packleader, and was imported',
    });
    expect(await judge({ states: new Set(['candidate', 'imported']), now })).toMatchObject({
      is: 'released',
    });
    expect(aws.sent).toEqual([]);
  });

  it('is left alone even by a hub that does not know the state, for the execution that its tag names', async () => {
    const judged = await judge({
      states: new Set(),
      executions: new Set(['none: imported']),
      now: '2028-01-01T00:00:00Z',
    });
    expect(judged.is).toBe('unclear');
  });
});

describe('a release whose execution nobody remembers', () => {
  it('is unclear when it is younger than Step Functions’ memory', async () => {
    unknownExecution(aws);
    expect(await judge({ now: '2027-02-19T09:29:59Z' })).toMatchObject({
      is: 'unclear',
      why: 'Step Functions does not know its execution, though it is only 89 days old',
    });
  });

  it('is dead when it is older and never became more than a candidate', async () => {
    unknownExecution(aws);
    expect(
      await judge({ now: '2027-02-19T09:30:00Z', states: new Set(['candidate', 'quarantined']) }),
    ).toEqual({
      is: 'dead',
      why: 'it never became more than a candidate, 90 days ago',
      endedAt: undefined,
      publishing: false,
      planned: undefined,
      attempts: [],
    });
  });

  it.each<[string, Partial<Evidence>]>([
    ['its AMI is tagged released in one target', { states: new Set(['candidate', 'released']) }],
    ['its version was revoked', { states: new Set(['revoked']) }],
    ['a parameter of its version exists', { published: true }],
  ])('is taken for released when %s', async (_why, evidence) => {
    unknownExecution(aws);
    expect(await judge({ now: '2028-01-01T00:00:00Z', ...evidence })).toMatchObject({ is: 'released' });
  });
});
