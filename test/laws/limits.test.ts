import { describe, expect, it } from 'vitest';
import { releaseVersion } from '../../tasks/configuration/version.ts';
import { LeftoversRemain, type Release, batchSchema } from '../../tasks/contract.ts';
import { handler as explainRollback } from '../../tasks/explain-rollback.ts';
import { executionName } from '../../tasks/execution-name.ts';
import { LAMBDA } from '../../workflow/timeouts.ts';
import { LONGEST_STAGE, allStates, functionOf, samples } from './machines.ts';
import { nestedMachine, worstPathSeconds } from './worst-path.ts';

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const QUOTA = { definitionBytes: 1_048_576, executionSeconds: 31_536_000, documentBytes: 262_144 };

/** What an inline Map runs at the same time, and the most targets that a factory may have. */
const AT_ONCE = 40;
const MOST_TARGETS = 1_000;

describe.each(samples)('every state machine of $title', ({ machines, ...rest }) => {
  const sample = { machines, ...rest };

  it('is allowed more time than its worst path takes', () => {
    for (const machine of machines) {
      const { TimeoutSeconds = 0 } = machine.graph;
      expect(TimeoutSeconds, machine.name).toBeGreaterThan(worstPathSeconds(machine, machines));
      expect(TimeoutSeconds, machine.name).toBeLessThan(QUOTA.executionSeconds);
    }
  });

  it('waits for another machine at least as long as that may run', () => {
    for (const { name, state } of allStates(sample)) {
      const nested = nestedMachine(state, machines);
      if (nested) expect(state.TimeoutSeconds, name).toBeGreaterThanOrEqual(nested.graph.TimeoutSeconds ?? 0);
    }
  });

  it('waits longer for a task than the Lambda function may run, so that its own message wins', () => {
    for (const { name, state } of allStates(sample)) {
      if (functionOf(state)) expect(state.TimeoutSeconds, name).toBeGreaterThan(LAMBDA.toSeconds());
    }
  });

  it('has a definition below 1 MB', () => {
    for (const { name, graph } of machines) {
      expect(Buffer.byteLength(JSON.stringify(graph)), name).toBeLessThan(QUOTA.definitionBytes);
    }
  });
});

const bakesOf = (length: number) =>
  Array.from({ length }, () => ({
    accountId: '111111111111',
    region: 'eu-west-1',
    sourceImageId: 'ami-1',
    timeoutMinutes: 60,
  }));

describe('a stage', () => {
  it('is baked in batches of at most 40, which is what one inline Map runs at once', () => {
    expect(batchSchema.safeParse({ number: 1, targets: bakesOf(AT_ONCE) }).success).toBe(true);
    expect(batchSchema.safeParse({ number: 1, targets: bakesOf(AT_ONCE + 1) }).success).toBe(false);
  });

  it('of 1,000 targets has at most 40 batches, so that all of them are baked at once', () => {
    expect(Math.ceil(MOST_TARGETS / AT_ONCE)).toBeLessThanOrEqual(AT_ONCE);
  });
});

/** What Step Functions makes of an error that a Lambda function threw. */
const caught = (name: string, message: string) => ({
  Error: name,
  Cause: JSON.stringify({
    errorType: name,
    errorMessage: message,
    trace: [
      `${name}: ${message}`,
      ...Array.from({ length: 10 }, () => '    at file:///var/task/index.mjs:1:1'),
    ],
  }),
});

describe('the document of a release', () => {
  const STAGES = ['dev', 'test', 'pre-prod', 'prod'];

  it('of 1,000 targets in four stages still fits when every stage left everything behind', async () => {
    const targets = Array.from({ length: MOST_TARGETS / STAGES.length }, (_, index) => ({
      accountId: String(100_000_000_000 + index),
      region: 'ap-southeast-1',
    }));
    const imageId = 'ami-0123456789abcdef0';
    const leftovers = targets.map((target) => ({
      ...target,
      resourceId: imageId,
      why: 'DependencyViolation: it is in use',
    }));
    const perStage = <T>(value: T) => Object.fromEntries(STAGES.map((stage) => [stage, value]));
    const bakes = targets.map((target) => ({ ...target, sourceImageId: imageId, timeoutMinutes: 480 }));
    const document = {
      release: {
        releaseId: 'x'.repeat(90),
        image: 'x'.repeat(40),
        version: 'x'.repeat(47),
        commit: 'x'.repeat(40),
        repository: 'x'.repeat(60),
        prerelease: false,
      },
      resolved: perStage({ batches: [{ number: 1, targets: bakes }] }),
      baked: perStage([{ bakes: targets.map(() => ({})) }]),
      amis: perStage(targets.map((target) => ({ ...target, imageId }))),
      failure: caught('AccessDenied', 'x'.repeat(1_000)),
      undone: perStage(caught('LeftoversRemain', new LeftoversRemain(leftovers).message)),
    };
    const explained = { ...document, rollback: await explainRollback(document) };
    expect(Buffer.byteLength(JSON.stringify(explained))).toBeLessThan(QUOTA.documentBytes);
  });
});

describe('the names of executions', () => {
  const longest: Release = {
    releaseId: '',
    image: 'i'.repeat(40),
    version: releaseVersion({
      majorMinor: '99999.99999',
      startedAt: '2026-11-21T09:30:00Z',
      branch: 'feature/a-branch-with-a-long-name',
      defaultBranch: 'main',
    }),
    commit: '',
    repository: '',
    prerelease: true,
  };

  it('fit 80 characters for the longest image, version and stage, and the last batch', () => {
    const release = executionName(longest);
    expect(release.length).toBeLessThanOrEqual(80);
    expect(`${release}-${LONGEST_STAGE}-${MOST_TARGETS / AT_ONCE}`.length).toBeLessThanOrEqual(80);
    expect(release).toMatch(/^[\w.-]+$/);
  });

  it('are made of nothing else', () => {
    const names = new Set<string>(
      samples.flatMap(allStates).flatMap(({ state }) => Object(state.Parameters)['Name.$'] ?? []),
    );
    expect([...names].toSorted()).toEqual([
      '$.executionName',
      `States.Format('{}-{}-{}', $.executionName, $.stage, $.batch.number)`,
    ]);
  });
});
