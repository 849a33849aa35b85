import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackBundles } from './packed-bundles.ts';

const PROGRAM = fileURLToPath(new URL('bundle-functions.ts', import.meta.url));
/**
 * In the published package: made when it was built, so that nobody who deploys needs esbuild. All in one file, because every bundle
 * holds much of the same SDK, which is kept once.
 */
const MADE = fileURLToPath(new URL('../../bundles.br', import.meta.url));

let bundled: string | undefined;
let unpacked: string | undefined;

/**
 * The bundle of `tasks/<name>` or `triggers/<name>`; nothing is bundled where CDK needs no assets, as in a test or for a target's
 * stack alone.
 */
export function bundleOf(file: string): Code {
  if (existsSync(MADE)) return Code.fromAsset(join(madeBundles(), file));
  return Code.fromAsset(fileURLToPath(new URL(`../../${dirname(file)}`, import.meta.url)), {
    // A new version of a package makes a new bundle from the same sources.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: {
        tryBundle(outputDirectory) {
          const made = join(bundles(), file);
          if (!existsSync(made)) throw new Error(`${file}.ts exports no handler`);
          cpSync(made, outputDirectory, { recursive: true });
          return true;
        },
      },
      // Neither runs: the above bundles or throws. CDK takes two bundlings for one unless they differ in something.
      command: [file],
      image: DockerImage.fromRegistry('scratch'),
    },
  });
}

function madeBundles(): string {
  if (unpacked !== undefined) return unpacked;
  const directory = temporary();
  for (const [name, contents] of unpackBundles(readFileSync(MADE))) {
    const made = join(directory, name);
    mkdirSync(dirname(made), { recursive: true });
    writeFileSync(made, contents);
  }
  unpacked = directory;
  return directory;
}

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'packleader-bundles-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** All are bundled together once, when the first one is asked for: apart, each would parse the SDK anew. */
function bundles(): string {
  if (bundled !== undefined) return bundled;
  const directory = temporary();
  execFileSync(process.execPath, [PROGRAM, directory], { stdio: ['ignore', 'inherit', 'inherit'] });
  bundled = directory;
  return directory;
}
