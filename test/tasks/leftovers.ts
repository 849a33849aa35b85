/** What an undo says is left when it does not succeed. */
import { expect } from 'vitest';

/** Fails when the undo did not fail with LeftoversRemain. */
export async function leftoversOf(undoing: Promise<unknown>): Promise<unknown> {
  const error: unknown = await undoing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'LeftoversRemain' });
  return JSON.parse(Object(error).message).leftovers;
}
