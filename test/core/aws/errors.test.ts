import { describe, expect, it } from 'vitest';
import { asFact, hasCode } from '../../../core/aws/errors.ts';
import { PackleaderError } from '../../../core/contract/errors.ts';
import { LeftoversRemain } from '../../../core/contract/leftovers.ts';
import { awsError } from '../../fixtures/aws/strict-aws.ts';

describe('an error of AWS', () => {
  it.each([
    ['RequestLimitExceeded', 'Throttled'],
    ['ThrottlingException', 'Throttled'],
    ['TooManyUpdates', 'Throttled'],
    ['SlowDown', 'Throttled'],
    ['UnauthorizedOperation', 'AccessDenied'],
    ['AccessDeniedException', 'AccessDenied'],
    ['TimeoutError', 'ConnectionLost'],
    ['InternalException', 'ConnectionLost'],
    ['ServiceUnavailable', 'ConnectionLost'],
    ['InvalidAMIID.NotFound', 'AwsCallFailed'],
    ['constructor', 'AwsCallFailed'],
  ])('%s is the fact %s, and stays as its cause', (code, name) => {
    const error = awsError(code, 'why');
    const fact = asFact(error);
    expect(fact).toBeInstanceOf(PackleaderError);
    expect(fact).toMatchObject({ name, message: `${code}: why`, cause: error });
  });

  it('says what AWS says in plain text', () => {
    expect(asFact(awsError('ValidationError', 'no \u001B[2Jsuch \u202Eami')).message).toBe(
      'ValidationError: no such \\u202eami',
    );
  });

  it.each(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'])(
    'that Node only marks with the code %s is a lost connection, which is retried',
    (code) => {
      expect(asFact(Object.assign(new Error('connect'), { code })).name).toBe('ConnectionLost');
    },
  );

  it('passes through when it is one of our facts already', () => {
    const fact = new LeftoversRemain([]);
    expect(asFact(fact)).toBe(fact);
  });

  it('is a fact even when something else than an error was thrown', () => {
    expect(asFact('no')).toMatchObject({ name: 'AwsCallFailed', message: 'unknown: no' });
  });

  it('has a code, which is its name', () => {
    expect(hasCode(awsError('A'), 'B', 'A')).toBe(true);
    expect(hasCode(awsError('A'), 'B')).toBe(false);
    expect(hasCode('A', 'A')).toBe(false);
  });
});
