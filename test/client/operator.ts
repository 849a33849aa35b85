/** What the functions of client/ are told on a hub of the sandbox: the operator's role, and the sandbox's time. */
import type { MadeUpFactory } from '../fixtures/factories.ts';
import { HUB } from '../fixtures/accounts.ts';
import { type HubOptions, openHub } from '../fixtures/sandbox/hub.ts';

export async function openClient(options: HubOptions = {}, images?: MadeUpFactory['images']) {
  const opened = await openHub(options, images);
  const { client, clock } = opened.operator;
  const calls = (operation: string) =>
    opened.sandbox.calls.filter((call) => call.role === 'operator' && call.operation === operation);
  return { ...opened, client, on: { hub: HUB, client, clock, now: clock.now }, calls };
}
