/** The roles the hub's own parts run with. */
export const HUB_ROLES = {
  tasks: 'packleader-tasks',
  stateMachine: 'packleader-state-machine',
  fetchSource: 'packleader-fetch-source',
  validate: 'packleader-validate',
  scan: 'packleader-scan',
} as const;
