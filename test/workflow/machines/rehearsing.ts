/** Where the fault suites still look for what is in test/fixtures/ now. */
export { targetsIn } from '../../fixtures/accounts.ts';
export { filesOf } from '../../fixtures/factories.ts';
export { COMMIT, STARTED_AT } from '../../fixtures/releases.ts';
