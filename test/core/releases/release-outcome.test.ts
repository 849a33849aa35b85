import { describe, expect, it } from 'vitest';
import { messageIn } from '../../../core/releases/release-outcome.ts';

const failed = (cause: string) => ({ name: 'States.TaskFailed', cause });

describe('the sentence in a cause', () => {
  it('is that of the error of a Lambda', () => {
    const cause = { errorType: 'InvalidRequest', errorMessage: 'The input cannot be understood.', trace: [] };
    expect(messageIn(failed(JSON.stringify(cause)))).toBe('The input cannot be understood.');
  });

  it('is what a build found out itself, with where to read on', () => {
    const Build = {
      Id: 'packleader-validate:1',
      BuildStatus: 'FAILED',
      ExportedEnvironmentVariables: [{ Name: 'LAST_ERROR', Value: 'packer validate of base: Error: x' }],
      Logs: { DeepLink: 'https://example.com/log' },
    };
    expect(messageIn(failed(JSON.stringify({ Build })))).toBe(
      'build packleader-validate:1 ended FAILED: packer validate of base: Error: x\nLog: https://example.com/log',
    );
  });

  it('is that a build failed when it had no chance to find out', () => {
    const Build = { Id: 'packleader-fetch-source:1', BuildStatus: 'TIMED_OUT' };
    expect(messageIn(failed(JSON.stringify({ Build })))).toBe(
      'build packleader-fetch-source:1 ended TIMED_OUT',
    );
  });

  it('is what CodeBuild said and which quota to raise, when the hub had no build free', () => {
    const cause = 'Cannot have more than 1 builds in queue for the account';
    expect(messageIn({ name: 'CodeBuild.AccountLimitExceededException', cause })).toBe(
      `${cause}\nCodeBuild let no build start for 8 hours. Raise the quota "Concurrently running builds for ARM/Small environment" of the hub's account in Service Quotas, in the hub's region: in a young account it is 1, or 0.`,
    );
  });

  it.each(['Not authorized', '{"Build": 1}', '[]', ''])('is %j itself', (cause) => {
    expect(messageIn(failed(cause))).toBe(cause);
  });
});
