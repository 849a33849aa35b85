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
  /** Who let the release into which stage, when and why. */
  approved: 'packleader:approved',
  /** Of a builder whose bake failed: until when it is left alone, ISO 8601. */
  keptUntil: 'packleader:kept-until',
  /** Of what is there for the test of an AMI: that AMI. */
  test: 'packleader:test',
  /** When something last used the AMI, and when anybody last looked. */
  lastUsed: 'LastUsed',
  lastUsedRuntime: 'LastUsedRuntime',
  /** How far it is on its way out, and since when: `deprecated 2026-11-21T09:30:00.000Z`. */
  retirement: 'packleader:retirement',
} as const;

/** The values of the tag `packleader:state`. */
export const STATES = {
  candidate: 'candidate',
  released: 'released',
  revoked: 'revoked',
  quarantined: 'quarantined',
  /** It was there before packleader: no release made it, and only retiring looks at it. */
  imported: 'imported',
} as const;
