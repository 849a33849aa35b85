/** The script that an instance is sent: the tests of its image, and what runs them. */
import type { Release } from '../contract/releases.ts';
import { LINUX_RUNNER, WINDOWS_RUNNER } from './runners.ts';
import type { TestFile } from './test-files.ts';

/**
 * As lines of the AWS-RunShellScript or AWS-RunPowerShellScript document. The tests themselves are in base64: the document takes `{{`
 * in a line for the name of a parameter of its own.
 */
export function testScript(
  platform: 'linux' | 'windows',
  files: readonly TestFile[],
  { image, version }: Pick<Release, 'image' | 'version'>,
): string[] {
  const encoded = files.map(({ path, text }) => ({
    name: path.slice(path.lastIndexOf('/') + 1),
    base64: Buffer.from(text).toString('base64'),
  }));
  if (platform === 'linux')
    return [
      'set -o nounset -o pipefail',
      // An agent tells its commands no home, and a test may ask for it.
      'export HOME="${HOME:-/root}"',
      `export IMAGE='${image}' VERSION='${version}'`,
      'files="$(mktemp -d)"',
      ...encoded.map(({ name, base64 }) => `base64 -d <<<'${base64}' >"$files/${name}"`),
      ...LINUX_RUNNER.split('\n'),
    ];
  return [
    `$env:IMAGE = '${image}'; $env:VERSION = '${version}'`,
    '$files = Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid())',
    '$null = New-Item -ItemType Directory -Path $files',
    ...encoded.map(
      ({ name, base64 }) =>
        `[IO.File]::WriteAllBytes((Join-Path $files '${name}'), [Convert]::FromBase64String('${base64}'))`,
    ),
    ...WINDOWS_RUNNER.split('\n'),
  ];
}

/** How the runner sums up. */
const SUMMARY = /^(\d+) tests, (\d+) failed$/m;

/** What the runner printed, as far as it got; undefined when it did not get to its end. */
export function summaryOf(output: string): { readonly ran: number; readonly failed: number } | undefined {
  const [, ran, failed] = SUMMARY.exec(output.replaceAll('\r', '')) ?? [];
  return ran === undefined ? undefined : { ran: Number(ran), failed: Number(failed) };
}

/** The lines about tests that failed: each with what it printed below it. */
export function failingLines(output: string): string[] {
  const lines = output.replaceAll('\r', '').split('\n');
  let isFailure = false;
  return lines.filter((line) => {
    if (!line.startsWith('        ')) isFailure = line.startsWith('FAILED  ');
    return isFailure;
  });
}
