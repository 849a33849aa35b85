export const TAGS = {
  name: 'Name',
  versionOnceReleased: 'Version',
  autoCleanup: 'AutoCleanup',
  release: 'packleader:release',
  image: 'packleader:image',
  version: 'packleader:version',
  commit: 'packleader:commit',
  repository: 'packleader:repository',
  stage: 'packleader:stage',
  sourceAmi: 'packleader:source-ami',
  execution: 'packleader:execution',
  state: 'packleader:state',
  quarantine: 'packleader:quarantine',
} as const;

/** The values of the tag `packleader:state`. */
export const STATES = {
  candidate: 'candidate',
  released: 'released',
  revoked: 'revoked',
  quarantined: 'quarantined',
} as const;
