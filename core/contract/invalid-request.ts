import { ERRORS, PackleaderError } from './errors.ts';

/** The refusal of what somebody has typed as the input of a state machine, with inputs that are right. */
export const invalidRequest = (issues: readonly string[], examples: string): PackleaderError =>
  new PackleaderError(
    ERRORS.invalidRequest,
    `${['The input cannot be understood.', ...issues].join(' ')} Correct inputs are ${examples}.`,
  );
