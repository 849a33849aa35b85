import { describe, expect, test } from 'vitest';
import { NAMES } from '../../../core/contract/names.ts';
import { awsError } from '../../../sandbox/aws/errors.ts';
import { AL2023 } from '../../fixtures/factories.ts';
import { VERSION } from '../../fixtures/releases.ts';
import { openSweeper } from '../operator.ts';

const RELEASE = `base@${VERSION}`;
const MINUTE = 60_000;

describe('packleader cancel', () => {
  test.each(['first', RELEASE])('%s stops what runs, and waits until nothing is left', async (what) => {
    const hub = await openSweeper();
    const execution = hub.start();
    await hub.sandbox.clock.sleep(12 * MINUTE);
    const cancelled = await hub.cancel(what, { reason: 'wrong branch' });
    expect(cancelled).toEqual({ exit: 1, err: '', out: `${RELEASE}  rolled back\n` });
    expect(hub.world()).toEqual(hub.before);
    await execution.outcome;
    const stopped = hub.engine.executions.find(({ machine }) => machine.name === NAMES.releaseImageMachine);
    expect(stopped?.history.ending?.outcome.status).toBe('ABORTED');
  });

  test('of one image lets the others go on', async () => {
    const hub = await openSweeper({ images: { base: AL2023, other: AL2023 } });
    const execution = hub.start();
    await hub.sandbox.clock.sleep(12 * MINUTE);
    expect(await hub.cancel(RELEASE)).toMatchObject({ exit: 1 });
    expect(await execution.outcome).toMatchObject({ status: 'FAILED', error: 'SomeImagesFailed' });
    const names = Object.values(hub.world()).flatMap(({ parameters }) => Object.keys(parameters));
    expect(names).toContain('/packleader/other/latest');
    expect(names).not.toContain('/packleader/base/latest');
  });

  test('says that it was too late for a release that is released', async () => {
    const hub = await openSweeper();
    await hub.start().outcome;
    const released = hub.world();
    expect(await hub.cancel('first')).toEqual({
      exit: 0,
      err: '',
      out: `${RELEASE}  released: it was too late to cancel it\n`,
    });
    expect(hub.world()).toEqual(released);
  });

  test('of a release that was stopped already waits for the same end', async () => {
    const hub = await openSweeper();
    hub.start();
    await hub.sandbox.clock.sleep(12 * MINUTE);
    await hub.cancel('first');
    expect(await hub.cancel('first', { json: true })).toMatchObject({ exit: 1 });
  });

  test('before any image has begun leaves nothing to sweep', async () => {
    const hub = await openSweeper();
    hub.start();
    expect(await hub.cancel('first')).toEqual({
      exit: 1,
      err: '',
      out: 'stopped before any image was begun: nothing is left\n',
    });
    expect(hub.world()).toEqual(hub.before);
  });

  test('lists the leftovers as one document, and ends with 3', async () => {
    const hub = await openSweeper();
    hub.start();
    await hub.sandbox.clock.sleep(18 * MINUTE);
    hub.sandbox.intercept(async (call, next) => {
      if (call.operation === 'DeregisterImage')
        throw awsError('ec2', 'UnauthorizedOperation', 'You may not.');
      return next();
    });
    const { exit, out } = await hub.cancel('first', { json: true });
    expect(exit).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      outcome: 'rollback incomplete',
      releases: [
        {
          releaseId: RELEASE,
          outcome: 'rollback incomplete',
          leftovers: [{ why: 'UnauthorizedOperation: You may not.' }, {}],
        },
      ],
    });
  });

  test('fails for a release that does not exist', async () => {
    const hub = await openSweeper();
    await expect(hub.cancel('nobody')).rejects.toMatchObject({ name: 'ReleaseNotFound' });
  });
});
