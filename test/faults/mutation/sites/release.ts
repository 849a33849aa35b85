/** Steps, tags and read-backs of the way forward. */
import {
  deleteStatement,
  dropElement,
  neverWhen,
  dropOperand,
  dropProperty,
  initialise,
  insteadOfReturning,
  neverDo,
} from '../operators.ts';
import { calling, mentioning, spreading, throwing } from '../queries.ts';
import type { MutationSite } from '../site.ts';

const NOTHING = /^nothing/;

export const RELEASE_SITES: readonly MutationSite[] = [
  {
    file: 'tasks/check-amis.ts',
    within: 'handler',
    does: neverDo(throwing('bakeFailed')),
    means: 'a failed bake is not noticed',
    likely: /^one fault \| Bake/,
  },
  {
    file: 'core/amis/build-failure.ts',
    within: 'bakedAfterAll',
    does: insteadOfReturning(mentioning('AMI_ID'), 'undefined'),
    means: 'a sound AMI is rolled back because its bake failed at its end',
    likely: /^a batch fails.*too much/,
  },
  {
    file: 'core/amis/build-failure.ts',
    within: 'bakedAfterAll',
    does: insteadOfReturning(mentioning('AMI_ID'), 'exportedBy(newest, AMI_ID)'),
    means: 'the AMI of a build that did not end well is taken',
    likely: /^one fault \| Bake .*Packer: ec2:(Delete|Terminate)/,
  },
  {
    file: 'tasks/apply-version-tags.ts',
    within: 'versionTags',
    does: dropProperty('state'),
    means: 'the state is not tagged',
    likely: NOTHING,
  },
  {
    file: 'tasks/apply-version-tags.ts',
    within: 'versionTags',
    does: dropProperty('versionOnceReleased'),
    means: 'the version is not tagged',
    likely: NOTHING,
  },
  {
    file: 'tasks/apply-version-tags.ts',
    within: 'lacking',
    does: dropElement(spreading('snapshots')),
    means: 'snapshots are not tagged',
    likely: NOTHING,
  },
  {
    file: 'tasks/apply-version-tags.ts',
    within: 'handler',
    does: neverDo(throwing('notReadyYet')),
    means: 'tags are not read back',
    likely: /Apply version tags.*late/,
  },
  {
    file: 'tasks/apply-version-tags.ts',
    within: 'handler',
    does: neverDo(calling('EnableImageDeprecationCommand')),
    means: 'no AMI is ever deprecated',
    likely: /^deprecated one day/,
  },
  {
    file: 'tasks/publish-release.ts',
    within: 'handler',
    does: neverDo(throwing('notReadBack')),
    means: 'nobody waits until a version can be read everywhere',
    likely: /^one fault.*Publish release|^nothing/,
  },
  {
    file: 'tasks/publish-release.ts',
    within: 'handler',
    does: neverDo(calling('writeParameter')),
    means: 'the version is not published',
    likely: NOTHING,
  },
  {
    file: 'tasks/publish-release.ts',
    within: 'handler',
    does: neverDo(calling('flipLatest')),
    means: 'latest is not flipped',
    likely: NOTHING,
  },
  {
    file: 'core/publication/flip-latest.ts',
    within: 'flipLatest',
    does: neverDo(throwing('notReadBack')),
    means: 'latest is not read back',
    likely: /^two releases|^one fault.*Publish/,
  },
  {
    file: 'core/publication/flip-latest.ts',
    within: 'flipLatest',
    does: dropOperand(mentioning('number')),
    means: 'what latest shows may be overwritten by what was not validated yet',
    likely: /^two releases/,
  },
  {
    file: 'core/publication/flip-latest.ts',
    within: 'newestImageId',
    does: neverWhen(mentioning('compareVersions')),
    means: 'a list that lags behind decides what is newest',
    likely: /^a list that lags behind/,
  },
  {
    file: 'core/publication/flip-latest.ts',
    within: 'flipLatest',
    does: initialise('newest', 'own'),
    means: 'the release that comes last wins, and not the newest',
    likely: /^two releases/,
  },
  {
    file: 'tasks/announce-release.ts',
    within: 'handler',
    does: deleteStatement(calling('announce')),
    means: 'nobody is told of a release',
    likely: NOTHING,
  },
  {
    file: 'tasks/announce-release.ts',
    within: 'handler',
    does: deleteStatement(calling('writeJson')),
    means: 'nobody remembers what was released',
    likely: NOTHING,
  },
];
