import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { describe, expect, test } from 'vitest';
import { HubNotFound, ReleaseNotFound, ReleaseRefused } from '../../../client/errors.ts';
import { keys } from '../../../core/contract/keys.ts';
import { releasedRecordSchema } from '../../../core/contract/releases.ts';
import { AL2023 } from '../../fixtures/factories.ts';
import { HUB } from '../../fixtures/accounts.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { type HubOptions, RELEASE_MACHINE, machineArn } from '../../fixtures/sandbox/hub.ts';
import { recordLines } from '../../../cli/commands/show/tell.ts';
import { openOperator } from '../operator.ts';
import { written } from '../output.ts';

const RELEASE = `base@${VERSION}`;
const COLLEAGUE = 'arn:aws:sts::999999999999:assumed-role/operator/colleague';
const HOUR = 3_600_000;

/** A hub whose prod asks for approval, and a release that waits for it. */
async function waitingHub({
  fourEyes,
  images = { base: AL2023 },
  ...options
}: HubOptions & { fourEyes?: true; images?: Record<string, string> } = {}) {
  const approvals = { prod: { timeoutHours: 24, ...(fourEyes && { fourEyes }) } };
  const hub = await openOperator(options, images, { approvals });
  const release = hub.engine.start(RELEASE_MACHINE, 'first', {});
  await hub.sandbox.clock.sleep(HOUR);
  const image = hub.engine.executions.find(({ name }) => name === `base-${VERSION}`);
  if (!image) throw new Error('nothing is released');
  return { ...hub, release, image };
}

describe('packleader approve', () => {
  test('lets the stage be baked, and who, when and why are kept with the release and told', async () => {
    const hub = await waitingHub();
    expect(hub.image.history.path.at(-1)).toBe('Approve prod');
    const { exit, out } = await hub.answer('approve', [RELEASE], { session: 'colleague' });
    expect({ exit, out }).toEqual({ exit: 0, out: `${RELEASE}  approved for prod, by ${COLLEAGUE}\n` });
    expect((await hub.release.outcome).status).toBe('SUCCEEDED');
    const { objects } = hub.sandbox.world.buckets.get('packleader-999999999999-eu-west-1') ?? {};
    const body = objects?.get(keys.released('base', VERSION))?.body;
    const record = releasedRecordSchema.parse(JSON.parse(new TextDecoder().decode(body)));
    expect(record.approvals).toEqual([
      {
        stage: 'prod',
        by: COLLEAGUE,
        at: '2026-11-21T10:30:00.000Z',
        reason: 'tested in dev',
        answeredIn: expect.stringContaining(':execution:packleader-approval:by-hand-'),
      },
    ]);
    const { texts, output } = written();
    for (const line of recordLines(record, undefined, output)) output.print(`${line}\n`);
    expect(texts.out).toContain(`for prod by ${COLLEAGUE}, 2026-11-21T10:30Z: tested in dev`);
    const told = hub.sandbox.world.events.map(({ detailType }) => detailType);
    expect(told).toEqual(['Release Started', 'Approval Requested', 'Release Approved', 'Image Released']);
  });

  test('answers everything that waits and is called so, by image, version, or the beginning of one', async () => {
    const hub = await waitingHub({ images: { base: AL2023, other: AL2023 } });
    await expect(hub.answer('approve', ['v1.5'])).rejects.toThrow(
      `nothing that waits for approval is called v1.5; waiting: base@${VERSION} for prod, other@${VERSION} for prod`,
    );
    await expect(hub.answer('approve', ['v1'])).resolves.toMatchObject({ exit: 0 });
    expect((await hub.release.outcome).status).toBe('SUCCEEDED');
    await expect(hub.answer('approve', ['base'])).rejects.toThrow(ReleaseNotFound);
  });

  test('tells with one sentence of an answer that comes twice, is for another stage, or for nothing that waits', async () => {
    const hub = await waitingHub();
    const sentence = async (release = RELEASE, stage?: string) => {
      const { exit, out } = await hub.answer('approve', [release], { ...(stage && { stage }) });
      return [exit, out.replace(/^\S+ {2}/, '')];
    };
    expect(await sentence(RELEASE, 'dev')).toEqual([
      2,
      'not answered: it waits for the approval of prod, not of dev\n',
    ]);
    expect(await sentence('base@1.4.20250101000000')).toEqual([
      2,
      'not answered: the hub knows no such release\n',
    ]);
    expect(await sentence('base@latest')).toEqual([
      2,
      'not answered: it is no release of the form <image>@<version>\n',
    ]);
    expect(await sentence()).toEqual([
      0,
      'approved for prod, by arn:aws:sts::999999999999:assumed-role/operator/somebody\n',
    ]);
    expect(await sentence()).toEqual([2, 'not answered: it has its answer for prod already\n']);
  });

  test('comes too late after the time limit, which rolls the release back with that reason', async () => {
    const hub = await waitingHub();
    expect(await hub.image.outcome).toMatchObject({
      status: 'FAILED',
      error: 'NotApproved',
      cause: expect.stringContaining('NotApproved: Nobody approved it for prod within 24 hours.'),
    });
    expect(hub.image.history.path).toEqual([
      'Resolve source AMIs',
      'Bake dev AMIs',
      'Check dev AMIs',
      'Approve prod',
      'No approval of prod',
      'Deregister dev AMIs',
      'Verify rollback',
      'Announce rollback',
      'Was everything undone?',
      'Rolled back',
    ]);
    const { exit, out } = await hub.answer('approve', [RELEASE]);
    expect({ exit, out }).toEqual({
      exit: 2,
      out: `${RELEASE}  not answered: it has its answer for prod already\n`,
    });
  });

  test('fails without a reason, and where no stage asks for approval', async () => {
    const hub = await waitingHub();
    await expect(hub.answer('approve', [RELEASE], { reason: ' ' })).rejects.toThrow(ReleaseRefused);
    await expect(hub.answer('approve', [RELEASE], { reason: 'x'.repeat(501) })).rejects.toThrow(
      'a reason has from 1 to 500 characters',
    );
    const unasked = await openOperator();
    await expect(unasked.answer('approve', [RELEASE])).rejects.toThrow(HubNotFound);
  });
});

describe('four eyes', () => {
  test('refuse whoever started the release, by whatever role, and take the answer of somebody else', async () => {
    const hub = await waitingHub({ fourEyes: true });
    const own = await hub.answer('approve', [RELEASE], { session: 'Somebody' });
    expect(own.exit).toBe(2);
    expect(own.out).toContain(
      'four eyes are asked for, and arn:aws:sts::999999999999:assumed-role/somebody/somebody started it',
    );
    expect((await hub.answer('approve', [RELEASE], { session: 'colleague' })).exit).toBe(0);
    expect((await hub.release.outcome).status).toBe('SUCCEEDED');
  });

  test('do not keep anybody from rejecting what they started', async () => {
    const hub = await waitingHub({ fourEyes: true });
    expect((await hub.answer('reject', [RELEASE])).exit).toBe(0);
    expect((await hub.image.outcome).status).toBe('FAILED');
  });

  test('refuse everybody where nobody can tell who started it', async () => {
    const hub = await waitingHub({ fourEyes: true });
    hub.sandbox.intercept(async (call, next) =>
      call.operation === 'LookupEvents' ? { Events: [] } : next(),
    );
    const { exit, out } = await hub.answer('approve', [RELEASE], { session: 'colleague' });
    expect(exit).toBe(2);
    expect(out).toContain('four eyes are asked for, and CloudTrail does not show who started');
  });

  test('let anybody approve what a push or a schedule started', async () => {
    const hub = await openOperator({}, undefined, {
      approvals: { prod: { timeoutHours: 24, fourEyes: true } },
    });
    const start = hub.sandbox.stepFunctions?.['StartExecution'];
    const caller = { ...HUB, role: 'packleader-trigger-start-release', session: 'somebody' };
    await Reflect.apply(start ?? (() => {}), undefined, [
      caller,
      { stateMachineArn: RELEASE_MACHINE, name: 'pushed', input: '{}' },
    ]);
    await hub.sandbox.clock.sleep(HOUR);
    expect((await hub.answer('approve', [RELEASE])).exit).toBe(0);
  });

  test('count whoever retried a release as well as whoever started it', async () => {
    const hub = await waitingHub({ fourEyes: true });
    await hub.answer('reject', [RELEASE]);
    await hub.release.outcome;
    const retrying = hub.retry(RELEASE);
    await hub.sandbox.clock.sleep(2 * HOUR);
    expect((await hub.answer('approve', [RELEASE])).exit).toBe(2);
    expect((await hub.answer('approve', [RELEASE], { session: 'colleague' })).exit).toBe(0);
    expect((await retrying).exit).toBe(0);
  });
});

describe('packleader reject', () => {
  test('rolls the release back, with who and why', async () => {
    const hub = await waitingHub();
    const { exit, out } = await hub.answer('reject', ['base'], {
      session: 'colleague',
      reason: 'too many packages',
    });
    expect({ exit, out }).toEqual({ exit: 0, out: `${RELEASE}  rejected for prod, by ${COLLEAGUE}\n` });
    const outcome = await hub.image.outcome;
    expect(outcome).toMatchObject({ status: 'FAILED', error: 'ReleaseRejected' });
    expect(outcome).toMatchObject({
      cause: expect.stringContaining(`ReleaseRejected: ${COLLEAGUE} rejected it for prod: too many packages`),
    });
    expect(hub.image.history.path.at(-1)).toBe('Rolled back');
  });
});

describe('who asks', () => {
  const start = async (
    hub: Awaited<ReturnType<typeof waitingHub>>,
    input: object,
    account = HUB.accountId,
  ) => {
    const credentials = hub.sandbox.issue(account, 'operator', 'colleague');
    const client = new SFNClient({ region: HUB.region, credentials });
    const stateMachineArn = machineArn('packleader-approval');
    const name = `in-the-console-${hub.engine.executions.length}`;
    await client.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
    return hub.engine.executions.at(-1)?.outcome;
  };

  test('is told by CloudTrail, some minutes later, when somebody starts the execution in the console', async () => {
    const hub = await waitingHub();
    const outcome = await start(hub, { approve: [RELEASE], reason: 'tested' });
    expect(outcome).toMatchObject({ status: 'SUCCEEDED', output: { by: COLLEAGUE } });
    expect((await hub.release.outcome).status).toBe('SUCCEEDED');
  });

  test('fails a proof that was made for another answer, and one that is too old', async () => {
    const hub = await waitingHub();
    await hub.answer('approve', ['base@1.4.20250101000000'], { session: 'colleague' });
    const [given] = hub.engine.executions.filter(({ machine }) => machine.name === 'packleader-approval');
    const { proof } = Object(given?.input);
    const forged = await start(hub, { approve: [RELEASE], reason: 'tested in dev', proof });
    expect(forged).toMatchObject({
      status: 'FAILED',
      error: 'InvalidRequest',
      cause: expect.stringContaining('STS answered 403'),
    });
    const uncovered = {
      ...proof,
      authorization: String(proof.authorization).replace(';x-packleader-answer', ''),
    };
    expect(await start(hub, { approve: [RELEASE], reason: 'tested in dev', proof: uncovered })).toMatchObject(
      {
        cause: expect.stringContaining('its signature does not cover what it is for'),
      },
    );
    expect(hub.image.history.ended).toBe(false);
  });

  test.each([
    [{ approve: [RELEASE] }, 'reason: must be text of at most 500 characters that says why'],
    [{ approve: RELEASE, reason: 'x' }, 'approve: must be a list of releases'],
    [{ approve: [RELEASE], reject: [RELEASE], reason: 'x' }, 'Give either'],
    [{ reason: 'x' }, 'Give either'],
    [{ aprove: [RELEASE], reason: 'x' }, 'aprove'],
  ])('is not even looked for when the request is %j', async (input, sentence) => {
    const hub = await waitingHub();
    const outcome = await start(hub, input);
    expect(outcome).toMatchObject({ error: 'InvalidRequest', cause: expect.stringContaining(sentence) });
  });
});

describe('a release that waits', () => {
  test('says so, until when, and how to answer, in status and in watch', async () => {
    const hub = await waitingHub({ fourEyes: true });
    const lines = [
      'waits until 2026-11-22T',
      'for the approval of prod, by somebody else than whoever started it:',
      `packleader approve ${RELEASE} --reason '…', or packleader reject`,
    ];
    const status = await hub.status(RELEASE);
    for (const line of lines) expect(status.out).toContain(line);
    expect(status.exit).toBe(4);
    const json = JSON.parse((await hub.status(RELEASE, { json: true })).out);
    expect(json.releases[0].waiting).toMatchObject({ stage: 'prod', fourEyes: true });
    expect(JSON.stringify(json)).not.toContain('token');
    const watching = hub.watch('first');
    await hub.sandbox.clock.sleep(HOUR);
    await hub.answer('approve', [RELEASE], { session: 'colleague' });
    const { out } = await watching;
    for (const line of lines) expect(out.split(line), line).toHaveLength(2);
    expect((await hub.status(RELEASE)).out).not.toContain('waits until');
  });

  test('is stopped and swept like any other, and its answer then comes too late', async () => {
    const hub = await waitingHub();
    expect(await hub.cancel(RELEASE)).toMatchObject({ exit: 1, out: `${RELEASE}  rolled back\n` });
    const { exit, out } = await hub.answer('approve', [RELEASE]);
    expect({ exit, out }).toEqual({
      exit: 2,
      out: `${RELEASE}  not answered: it has its answer for prod already\n`,
    });
  });
});
