import { Stack } from 'aws-cdk-lib';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { parameters } from '../../../core/contract/names.ts';
import { type Target, targetName } from '../../../core/contract/targets.ts';
import { InstanceRefresh } from '../../../workflow/consumer/instance-refresh.ts';
import type { Sandbox } from '../../../sandbox/sandbox.ts';
import { BACK, BACK_TARGETS, releaseAgain, repoint } from '../../fixtures/sandbox/repointing.ts';
import { withHub } from '../../fixtures/sandbox/sweeping.ts';
import { Synthesised, inWords } from '../../fixtures/synthesised.ts';

const EXAMPLES = new URL('../../../docs/examples/consuming/', import.meta.url);

const ruleSchema = z.object({
  source: z.array(z.string()),
  'detail-type': z.array(z.string()),
  detail: z.record(z.string(), z.array(z.union([z.string(), z.object({ exists: z.boolean() })]))),
});
type Pattern = z.infer<typeof ruleSchema>;

interface Event {
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, string>>;
}

/** As EventBridge matches what these rules are made of. */
function matches({ source, 'detail-type': types, detail }: Pattern, event: Event): boolean {
  return (
    source.includes(event.source) &&
    types.includes(event['detail-type']) &&
    Object.entries(detail).every(([field, allowed]) =>
      allowed.some((one) =>
        typeof one === 'string' ? one === event.detail[field] : one.exists === field in event.detail,
      ),
    )
  );
}

const changed = (name: string, more: Readonly<Record<string, string>> = {}): Event => ({
  source: 'aws.ssm',
  'detail-type': 'Parameter Store Change',
  detail: { name, operation: 'Update', type: 'String', ...more },
});

const synthesised = new Synthesised((app) => {
  const stack = new Stack(app, 'web', { env: { account: '222222222222', region: 'eu-west-1' } });
  return Stack.of(new InstanceRefresh(stack, 'Refresh', { image: 'base', autoScalingGroupName: 'web' }));
});

const [rule] = synthesised.ofType('AWS::Events::Rule').map(({ is }) => ruleSchema.parse(is['EventPattern']));
const pattern = rule ?? { source: [], 'detail-type': [], detail: {} };

const machineSchema = z.object({
  StartAt: z.string(),
  States: z.record(
    z.string(),
    z.looseObject({ Resource: z.string().optional(), Parameters: z.unknown().optional() }),
  ),
});

describe('an instance refresh', () => {
  it('is started by latest of its image, and by nothing else', () => {
    expect(matches(pattern, changed('/packleader/base/latest'))).toBe(true);
    expect(matches(pattern, changed('/packleader/base/latest', { operation: 'Delete' }))).toBe(false);
    expect(matches(pattern, changed('/packleader/base/latest', { exception: 'no such AMI' }))).toBe(false);
    expect(matches(pattern, changed('/packleader/base/versions/1.4.1'))).toBe(false);
    expect(matches(pattern, changed('/packleader/other/latest'))).toBe(false);
  });

  it('may refresh its group, start its machine, and nothing else', () => {
    expect(synthesised.roles().flatMap(({ statements }) => statements.map(inWords))).toEqual([
      'RefreshInstances: Allow autoscaling:StartInstanceRefresh on arn:aws:autoscaling:eu-west-1:222222222222:autoScalingGroup:*:autoScalingGroupName/web',
      expect.stringMatching(/^Allow states:StartExecution on ref:Refresh\/Machine/),
    ]);
  });

  it('waits for one that is under way', () => {
    const [machine] = synthesised.ofType('AWS::StepFunctions::StateMachine');
    const { StartAt, States } = machineSchema.parse(JSON.parse(String(machine?.is['DefinitionString'])));
    expect(States[StartAt]).toMatchObject({
      Resource: 'arn:aws:states:::aws-sdk:autoscaling:startInstanceRefresh',
      Parameters: { AutoScalingGroupName: 'web', Preferences: { MinHealthyPercentage: 90 } },
      Retry: [{ ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 60, MaxAttempts: 27 }],
    });
  });

  it('is in the CloudFormation example what it is in the construct', () => {
    const text = readFileSync(new URL('auto-scaling.yaml', EXAMPLES), 'utf8').replaceAll(
      /!(Ref|Sub|GetAtt) /g,
      '',
    );
    const { Resources } = z
      .object({ Resources: z.record(z.string(), z.looseObject({ Properties: z.looseObject({}) })) })
      .parse(parse(text));
    const [machine] = synthesised.ofType('AWS::StepFunctions::StateMachine');
    const own = machineSchema.parse(JSON.parse(String(machine?.is['DefinitionString'])));
    const shown = machineSchema.parse(Resources['Refresh']?.Properties['Definition']);
    const stateOf = ({ StartAt, States }: typeof own) => {
      const { Parameters, Retry, TimeoutSeconds } = States[StartAt] ?? { Parameters: {} };
      return { Retry, TimeoutSeconds, Parameters: { ...Object(Parameters), AutoScalingGroupName: '' } };
    };
    expect(stateOf(shown)).toEqual(stateOf(own));
    const shownRule = ruleSchema.parse(Resources['LatestMoved']?.Properties['EventPattern']);
    expect({ ...shownRule.detail, name: [] }).toEqual({ ...pattern.detail, name: [] });
    expect(Resources['LaunchTemplate']?.Properties['LaunchTemplateData']).toMatchObject({
      ImageId: 'resolve:ssm:/packleader/${Image}/latest',
    });
  });
});

/** An environment that follows: a launch template that names the parameter, and a group that is refreshed when the rule says so. */
class Environment {
  readonly #sandbox: Sandbox;
  readonly target: Target;
  instances: readonly string[] = [];
  refreshes = 0;

  constructor(sandbox: Sandbox, target: Target) {
    this.#sandbox = sandbox;
    this.target = target;
  }

  /** What EC2 makes of `resolve:ssm:/packleader/base/latest` at a launch: the AMI that the parameter names then, and that must be there. */
  #launch(): string {
    const { accountId, region } = this.target;
    const place = this.#sandbox.world.region(accountId, region);
    const imageId = place.parameters.get(parameters.latest('base'))?.versions.at(-1)?.value ?? '';
    const image = place.images.get(imageId);
    if (!image || image.disabled) throw new Error(`${imageId} cannot be launched`);
    return image.tags.get('packleader:version') ?? '';
  }

  hears(event: Event): void {
    if (!matches(pattern, event)) return;
    this.refreshes += 1;
    this.instances = [this.#launch(), this.#launch()];
  }
}

describe('every environment', () => {
  it('follows a release, and follows a rollback, and nobody edits anything', async () => {
    await withHub(BACK, async (hub) => {
      const { sandbox } = hub;
      const environments = BACK_TARGETS.map((target) => new Environment(sandbox, target));
      sandbox.intercept(async (call, next) => {
        const result = await next();
        const { Name, Value } = call.input;
        if (call.service !== 'ssm' || call.operation !== 'PutParameter') return result;
        const place = sandbox.world.region(call.accountId, call.region);
        // Parameter Store tells once the AMI was found.
        for (
          let tries = 0;
          tries < 60 && place.parameters.get(String(Name))?.versions.at(-1)?.value !== Value;
          tries += 1
        )
          await sandbox.clock.sleep(1_000);
        const environment = environments.find((one) => targetName(one.target) === targetName(call));
        environment?.hears(changed(String(Name)));
        return result;
      });
      const all = () => environments.map(({ instances }) => instances);
      const each = (version: string) => environments.map(() => [version, version]);
      const first = await releaseAgain(hub);
      expect(all()).toEqual(each(first));
      const second = await releaseAgain(hub);
      expect(all()).toEqual(each(second));
      await repoint(hub, { rollback: 'base' });
      expect(all()).toEqual(each(first));
      expect(environments.map(({ refreshes }) => refreshes)).toEqual(environments.map(() => 3));
    });
  });
});
