/** Steps, tags and read-backs of the tasks, in the words in which they are written. */
export interface Passage {
  readonly file: string;
  /** Exactly once in the file. */
  readonly passage: string;
  /** Nothing by default. */
  readonly by?: string;
  readonly means: string;
  /** Ids of scenarios that should notice. */
  readonly likely: RegExp;
}

const UNDONE = /^a fault in the undo \|/;
const KILLED = /prod is killed|Bake .*killed|^stopped \|/;
const SWEPT = /^stopped|^the sweep dies|^a fault in the sweep/;

const bakes: readonly Omit<Passage, 'file'>[] = [
  {
    passage: 'await remove(found.builds, (id) => codebuild.send(new StopBuildCommand({ id })));',
    means: 'builds are not stopped',
    likely: /lost from sight|^stopped|codebuild:BatchGetBuilds/,
  },
  {
    passage:
      'await remove(found.instances, (id) => ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] })));',
    means: 'instances are not terminated',
    likely: KILLED,
  },
  {
    passage: 'await remove(found.keyPairs, (id) => ec2.send(new DeleteKeyPairCommand({ KeyPairId: id })));',
    means: 'key pairs are not deleted',
    likely: KILLED,
  },
  {
    passage:
      'await remove(found.securityGroups, (id) => ec2.send(new DeleteSecurityGroupCommand({ GroupId: id })));',
    means: 'security groups are not deleted',
    likely: KILLED,
  },
  {
    passage: 'await remove(unused, (id) => ec2.send(new DeregisterImageCommand({ ImageId: id })));',
    means: 'AMIs are not deregistered',
    likely: UNDONE,
  },
  {
    passage: 'await remove(free, (id) => ec2.send(new DeleteSnapshotCommand({ SnapshotId: id })));',
    means: 'snapshots are not deleted',
    likely: UNDONE,
  },
  {
    passage: 'const kept = await quarantineUsed(clients, found.images, attempt);',
    by: 'const kept = new Map<string, string>();',
    means: 'nobody asks who uses an AMI',
    likely: /^an AMI in use/,
  },
  {
    passage: 'await attempt(imageId, () => ec2.send(new CreateTagsCommand({ Resources, Tags })));',
    means: 'what is quarantined is not tagged',
    likely: /^an AMI in use/,
  },
  {
    passage: 'const left = bakedIds(await findTraces(clients, release, target));',
    by: 'const left: string[] = [];',
    means: 'nobody looks whether it is gone',
    likely: KILLED,
  },
];

const users: readonly Omit<Passage, 'file'>[] = [
  { passage: '    references(ec2, imageIds),\n', means: 'EC2 is not asked for users' },
  { passage: '    builtOnThem(ec2, imageIds),\n', means: 'images built on it are forgotten' },
  { passage: '    ...images.map(async (image) => sharedWith(ec2, image)),\n', means: 'shares are forgotten' },
  { passage: '    launchConfigurations(autoScaling),\n', means: 'launch configurations are forgotten' },
  { passage: '    groupOverrides(autoScaling),\n', means: 'Auto Scaling groups are forgotten' },
].map((one) => ({ ...one, likely: /^an AMI in use/ }));

const looks: readonly Omit<Passage, 'file'>[] = [
  {
    passage: 'builds: builds.filter(({ buildStatus }) => buildStatus ===',
    by: 'builds: builds.filter(({ buildStatus }) => buildStatus !== "IN_PROGRESS" && buildStatus ===',
    means: 'running builds are not seen',
    likely: /lost from sight|^stopped/,
  },
  {
    passage: '.filter(({ State }) => State?.Name !==',
    by: ".filter(({ State }) => State?.Name === 'none' && State.Name !==",
    means: 'instances are not seen',
    likely: KILLED,
  },
  {
    passage: 'keyPairs: (keyPairs.KeyPairs ?? [])',
    by: 'keyPairs: (keyPairs.KeyPairs ?? []).slice(0, 0)',
    means: 'key pairs are not seen',
    likely: KILLED,
  },
  {
    passage: 'securityGroups: groups.flatMap(',
    by: 'securityGroups: groups.slice(0, 0).flatMap(',
    means: 'security groups are not seen',
    likely: KILLED,
  },
  {
    passage: 'snapshotIds: [...new Set([...idsOf(snapshots), ...',
    by: 'snapshotIds: [...new Set([...idsOf(snapshots.slice(0, 0)), ...',
    means: 'snapshots without an AMI are not seen',
    likely: /DeleteSnapshot/,
  },
  {
    passage: '    ...(published === undefined ? [] : [version]),\n',
    means: 'the parameter of a version is not seen',
    likely: /Withdraw publication/,
  },
  {
    passage: '    ...(current !== undefined && ours.includes(current) ? [latest] : []),\n',
    means: 'latest is not seen',
    likely: /Withdraw publication/,
  },
];

const inFile = (file: string, passages: readonly Omit<Passage, 'file'>[]): Passage[] =>
  passages.map((one) => ({ ...one, file }));

export const PASSAGES: readonly Passage[] = [
  ...inFile('core/amis/undo-bake.ts', bakes),
  ...inFile('core/amis/image-users.ts', users),
  ...inFile('core/amis/traces.ts', looks),
  ...inFile('core/publication/undo-publication.ts', [
    {
      passage: 'const isPutBack = await putBackLatest(clients, release, ours);',
      by: 'const isPutBack = false;',
      means: 'latest is not put back',
      likely: /publishing fails/,
    },
    {
      passage: 'if (published !== undefined) await deleteParameter(ssm, version);\n  else if',
      by: 'if',
      means: 'the version is not deleted',
      likely: /publishing fails/,
    },
    {
      passage: 'const left = await publishedParameters(clients, release, images);',
      by: 'const left: string[] = [];',
      means: 'nobody looks whether it is withdrawn',
      likely: /^a fault in the undo(, another past)? \|.*Withdraw/,
    },
  ]),
  ...inFile('core/publication/put-back-latest.ts', [
    {
      passage: 'if (!ours.includes(shown) && !isCoveredByTask(earlier, ours)) return false;',
      by: 'if (!ours.includes(shown)) return false;',
      means: 'a release that came in between stays covered',
      likely: /^two releases \| the older fails, and its undo dies/,
    },
    {
      passage: '&& (await exists(ec2, candidate)))',
      by: '&& (await exists(ec2, candidate).then(() => true)))',
      means: 'latest may point at an AMI that is gone',
      likely: /publishing fails/,
    },
    {
      passage: 'if (Images.length === 0)',
      by: 'if (Images.length === 0) return false; if (Images.length > 1)',
      means: 'an AMI that an answer leaves out is taken for gone',
      likely: /Withdraw publication: ec2:DescribeImages.*partial/,
    },
  ]),
  ...inFile('tasks/withdraw-publication.ts', [
    {
      passage: 'if (attempt === 0) {',
      by: 'if (attempt === -1) {',
      means: 'nobody comes back for what appears late',
      likely: /publishing fails|^two releases/,
    },
  ]),
  ...inFile('core/aws/undo-targets.ts', [
    {
      passage: 'return [unseen(target, release, error)];',
      by: 'return [];',
      means: 'a target that cannot be seen is taken for clean',
      likely: /(Deregister|Withdraw).*refused/,
    },
    {
      passage: 'if (leftovers.flat().length > 0) throw new LeftoversRemain(leftovers.flat());',
      means: 'leftovers are not told',
      likely: UNDONE,
    },
  ]),
  ...inFile('tasks/verify-rollback.ts', [
    {
      passage: 'return [unseen(target, release, error)];',
      by: 'return [];',
      means: 'a target that cannot be seen is taken for clean',
      likely: /^pairs \|.*Verify rollback: .*denied$/,
    },
    {
      passage: 'const complete = leftovers.length === 0;',
      by: 'const complete = true;',
      means: 'every rollback is complete',
      likely: /Deregister.*denied/,
    },
    {
      passage: '...bakedIds(traces), ...traces.parameters',
      by: '...bakedIds(traces)',
      means: 'parameters that are left are not named',
      likely: /Withdraw publication.*(denied|always)/,
    },
    {
      passage: '[...bakedIds(traces), ...',
      by: '[...',
      means: 'AMIs that are left are not named',
      likely: /Deregister.*denied/,
    },
    {
      passage: 'if (fact.name === ERRORS.throttled || fact.name === ERRORS.connectionLost) throw fact;',
      means: 'a look that a retry would mend counts as a leftover',
      likely: /Verify rollback.*(3 times|unreachable)$/,
    },
  ]),
  ...inFile('tasks/publish-release.ts', [
    {
      passage: '    if (value !== ami.imageId) throw notReadyYet(version, ami.imageId, value);\n',
      means: 'nobody waits until a version can be read everywhere',
      likely: /^one fault.*Publish release|^nothing/,
    },
    {
      passage:
        'if ((await readParameter(ssm, version)) !== ami.imageId) await writeParameter(ssm, version, ami.imageId);',
      by: '',
      means: 'the version is not published',
      likely: /^nothing/,
    },
    {
      passage: 'if (!release.prerelease) await inEveryTarget(all, async (ami) => flipLatest(ami, release));',
      means: 'latest is not flipped',
      likely: /^nothing/,
    },
    {
      passage: 'if (stored?.value !== (await newestImageId()) || stored.number < written)',
      by: 'if (stored === undefined)',
      means: 'latest is not read back',
      likely: /^two releases|^one fault.*Publish/,
    },
    {
      passage: ' || stored.number < written)',
      by: ')',
      means: 'what latest shows may be overwritten by what was not validated yet',
      likely: /^two releases/,
    },
    {
      passage: ', [version, ami.imageId]]);',
      by: ']);',
      means: 'a list that lags behind decides what is newest',
      likely: /Publish release: ssm:GetParametersByPath/,
    },
    {
      passage: 'const newest = await newestImageId();',
      by: 'const newest = ami.imageId;',
      means: 'the release that comes last wins, and not the newest',
      likely: /^two releases/,
    },
  ]),
  ...inFile('tasks/apply-version-tags.ts', [
    {
      passage: '[TAGS.state]: STATES.released, ',
      means: 'the state is not tagged',
      likely: /^nothing/,
    },
    {
      passage: ', [TAGS.versionOnceReleased]: release.version',
      means: 'the version is not tagged',
      likely: /^nothing/,
    },
    {
      passage: '    ...snapshots.map(',
      by: '    ...snapshots.slice(0, 0).map(',
      means: 'snapshots are not tagged',
      likely: /^nothing/,
    },
    {
      passage: 'if (still.length > 0)',
      by: 'if (still.length > 1_000)',
      means: 'tags are not read back',
      likely: /Apply version tags.*late/,
    },
  ]),
  ...inFile('tasks/announce-release.ts', [
    {
      passage: 'await putEvent(NAMES.released, { ...release, images });',
      means: 'nobody is told of a release',
      likely: /^nothing/,
    },
    {
      passage:
        'await writeJson({ bucket: plan.bucket, key: keys.released(release.image, release.version) }, record);',
      means: 'nobody remembers what was released',
      likely: /^nothing/,
    },
  ]),
  ...inFile('tasks/announce-rollback.ts', [
    {
      passage: 'await putEvent(NAMES.rolledBack, { ...release, ...rollback });',
      means: 'nobody is told of a rollback',
      likely: UNDONE,
    },
  ]),
  ...inFile('core/aws/events.ts', [
    {
      passage: 'if (FailedEntryCount === 0) return;',
      by: 'if (FailedEntryCount >= 0) return;',
      means: 'an event that EventBridge did not take counts as told',
      likely: /PutEvents.*partial/,
    },
  ]),
  ...inFile('tasks/check-amis.ts', [
    {
      passage: 'if (failures.length > 0) throw await bakeFailed(release, failures);',
      means: 'a failed bake is not noticed',
      likely: /^one fault \| Bake/,
    },
  ]),
  ...inFile('tasks/sweep-release.ts', [
    {
      passage:
        'for (const arn of dead.batches) await stopRunning(arn, `${releaseId} is swept: ${dead.why}`);',
      means: 'bakes that still start are not stopped',
      likely: SWEPT,
    },
    {
      passage:
        'const visible = await each(async (target) => undoPublication(clientsFor(target), target, release));',
      by: 'const visible: Leftover[] = [];',
      means: 'a dead release stays published',
      likely: /^stopped \| after Publish/,
    },
    {
      passage: 'return undone.leftovers;',
      by: 'return [];',
      means: 'a sweep does not tell what is left',
      likely: SWEPT,
    },
    {
      passage: 'if (leftovers.length > 0) throw new LeftoversRemain(leftovers);',
      means: 'a sweep does not come back for what is left',
      likely: SWEPT,
    },
    {
      passage: "if (status.is !== 'dead') {",
      by: "if (status.is === 'unclear') {",
      means: 'nobody looks again whether a release is dead',
      likely: /^a sweep during/,
    },
  ]),
  ...inFile('core/releases/release-status.ts', [
    {
      passage: "if (!ENDED.includes(status)) return { is: 'running', why: `its execution is ${status}` };",
      means: 'what still runs is swept',
      likely: /^a sweep during/,
    },
    {
      passage: 'if (states.includes(PIVOT.behind))',
      by: "if (states.includes('none'))",
      means: 'what was published and then stopped is swept',
      likely: /after Announce release/,
    },
    {
      passage: 'publishing: states[0] === PIVOT.publish,',
      by: 'publishing: false,',
      means: 'nobody waits for a task that still publishes',
      likely: /^stopped \| after Publish/,
    },
  ]),
];
