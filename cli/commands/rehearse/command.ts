import { type Command, Option } from 'commander';
import type { Output } from '../../terminal/output.ts';
import { EXIT_CODES, type ExitCode, collect } from '../../input/options.ts';

interface RehearseFlags {
  readonly factory: string;
  readonly ref?: string;
  readonly branch?: string;
  readonly override: readonly string[];
  readonly fail: readonly string[];
  readonly reject: readonly string[];
  readonly changed?: string | true;
  readonly schedule?: string | true;
  readonly retry?: true;
  readonly then?: 'rollback' | 'revoke';
  readonly validate: boolean;
  readonly page?: string;
  readonly json?: true;
}

export function addRehearse(root: Command, output: Output, code: ExitCode): void {
  root
    .command('rehearse')
    .description('Release images into an embedded AWS, by the state machines that would be deployed.')
    .argument('[images...]', 'images to release; every image of the factory by default')
    .option('--factory <directory>', 'the directory that holds factory.yaml, or packer/factory.yaml', '.')
    .option('--ref <ref>', 'a commit, branch or tag; by default the files as they lie there')
    .option('--branch <branch>', 'release as if from this branch; by default the factory’s default branch')
    .option(
      '--changed [since]',
      'what a push would release: the images that changed since that commit; by default since the default branch',
    )
    .option(
      '--schedule [time]',
      'what the schedules would rebuild at that time, as in 2026-11-23T04:00:00Z; by default as if they were due now',
    )
    .option(
      '--override <path=value>',
      'override a setting, as in instanceType=t3.large; may be repeated',
      collect,
      [],
    )
    .addOption(
      new Option(
        '--then <what>',
        'go back from each released image afterwards: to the version before, or by revoking the new one',
      ).choices(['rollback', 'revoke']),
    )
    .option('--fail <state>', 'make a state fail; may be repeated, see below', collect, [])
    .option('--reject <stage>', 'reject that stage, which asks for approval; may be repeated', collect, [])
    .option('--retry', 'when it came to nothing, retry it without what --fail says, like packleader retry')
    .option('--no-validate', 'do not let Packer, where there is one, look at the templates first')
    .option('--page <file>', 'write the page of the rehearsal, as "packleader page" does of a hub')
    .option('--json', 'print one JSON document and nothing else')
    .addHelpText(
      'after',
      `
--changed and --schedule take the way of a real push, and of real schedules. Where those would start nothing, that is
said and nothing is rehearsed.

Where a stage asks for approval, a rehearsal approves by itself after some minutes, unless --reject names the stage.

--fail takes '[<image>:]<state>[@<account>[/<region>]][=<kind>]':
  refused      AWS refuses what the state wants to do, every time
  lost         what it wants is done, but every reply is lost
  throttled    AWS throttles the first three calls in each target
  timeout      the calls never answer, or the build hangs
  full         CodeBuild has no build free; only where builds are started
  capacity     EC2 has no room for the builder of a bake at first
  interrupted  EC2 takes every Spot Instance back that is the builder of a bake
  silent       an AMI boots, and its agent never reports; only where AMIs are tested
  Without a kind a bake fails as Packer does, a test does not pass, and any other state is refused.
  Without an image it fails in the release of every image.

Examples:
  packleader rehearse
  packleader rehearse linux-base --fail 'Bake prod AMIs'
  packleader rehearse linux-base --fail 'Publish release@222222222222=lost' --json
  packleader rehearse --fail 'linux-base:Bake prod AMIs'
  packleader rehearse linux-base --fail 'Bake prod AMIs' --retry
  packleader rehearse linux-base --reject prod
  packleader rehearse --changed origin/main
  packleader rehearse linux-base --schedule 2026-11-23T04:00:00Z
  packleader rehearse linux-base --then rollback --fail 'Point latest@222222222222'
${EXIT_CODES}
With --changed and --schedule 0 is also: nothing to release.
With --then 1 is also: put back, every account shows what was released; and 3: not everything was put back.
A state of --fail that was never reached is refused as well: such a rehearsal has shown nothing. So is --retry of what did not fail.`,
    )
    .action(async (images: string[], flags: RehearseFlags) => {
      // Loaded when it is needed: CDK and the sandbox take a second that other commands need not wait for.
      const { rehearseCommand } = await import('./run.ts');
      const { override: overrides, then: afterwards, json = false, ...rest } = flags;
      code.exit = await rehearseCommand(
        { images, overrides, json, ...(afterwards && { afterwards }), ...rest },
        output,
      );
    });
}
