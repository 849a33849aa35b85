import { describe, expect, it } from 'vitest';
import { messageIn } from '../../../core/releases/release-outcome.ts';

describe('the sentence in a cause', () => {
  it('is that of the error of a Lambda', () => {
    const cause = { errorType: 'InvalidRequest', errorMessage: 'The input cannot be understood.', trace: [] };
    expect(messageIn(JSON.stringify(cause))).toBe('The input cannot be understood.');
  });

  it('is what a build found out itself, with where to read on', () => {
    const Build = {
      Id: 'packleader-validate:1',
      BuildStatus: 'FAILED',
      ExportedEnvironmentVariables: [{ Name: 'LAST_ERROR', Value: 'packer validate of base: Error: x' }],
      Logs: { DeepLink: 'https://example.com/log' },
    };
    expect(messageIn(JSON.stringify({ Build }))).toBe(
      'build packleader-validate:1 ended FAILED: packer validate of base: Error: x\nLog: https://example.com/log',
    );
  });

  it('is that a build failed when it had no chance to find out', () => {
    const Build = { Id: 'packleader-fetch-source:1', BuildStatus: 'TIMED_OUT' };
    expect(messageIn(JSON.stringify({ Build }))).toBe('build packleader-fetch-source:1 ended TIMED_OUT');
  });

  it.each(['Not authorized', '{"Build": 1}', '[]', ''])('is %j itself', (cause) => {
    expect(messageIn(cause)).toBe(cause);
  });
});
