import type { Command } from 'commander';
import {
  type ExitCode,
  FACTORY_OF_HUB,
  HUB,
  READS_RECORDS,
  RECORDED,
  type RecordFlags,
} from '../../input/options.ts';
import type { Output } from '../../terminal/output.ts';

export function addSbom(root: Command, output: Output, code: ExitCode): void {
  root
    .command('sbom')
    .description('Print the SBOM of a release, CycloneDX 1.5: what its AMIs hold.')
    .argument('<release>', RECORDED)
    .option(
      '--target <account/region>',
      'of this target; by default of the first, and where AMIs hold the same it is that of all of them',
    )
    .option(...HUB)
    .option(...FACTORY_OF_HUB)
    .addHelpText(
      'after',
      `
Examples:
  packleader sbom linux-base > linux-base.cdx.json
  packleader sbom linux-base@1.4.20261121093000 --target 222222222222/eu-west-1 > prod.cdx.json
${READS_RECORDS}`,
    )
    .action(async (release: string, flags: Omit<RecordFlags, 'json'> & { readonly target?: string }) => {
      const { sbomCommand } = await import('./run.ts');
      code.exit = await sbomCommand(release, flags, output);
    });
}
