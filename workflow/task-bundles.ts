import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TASKS = fileURLToPath(new URL('../tasks', import.meta.url));
const PROGRAM = fileURLToPath(new URL('bundle-tasks.ts', import.meta.url));

let bundled: string | undefined;

/** The bundle of `tasks/<file>.ts`; nothing is bundled where CDK needs no assets, as in a test or for a target's stack alone. */
export function taskBundle(file: string): Code {
  return Code.fromAsset(TASKS, {
    // A new version of a package makes a new bundle from the same tasks.
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: {
        tryBundle(outputDirectory) {
          const made = join(bundles(), file);
          if (!existsSync(made)) throw new Error(`tasks/${file}.ts exports no handler`);
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

/** All tasks are bundled together once, when the first one is asked for: apart, each would parse the SDK anew. */
function bundles(): string {
  if (bundled !== undefined) return bundled;
  const directory = mkdtempSync(join(tmpdir(), 'packleader-tasks-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  execFileSync(process.execPath, [PROGRAM, directory], { stdio: ['ignore', 'inherit', 'inherit'] });
  bundled = directory;
  return directory;
}
