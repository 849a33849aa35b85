// Lets a command of one's own look at every SBOM of a release. It finds the path of one in SBOM, and prints CycloneDX with what it
// found; the state that follows judges that.
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { getObject, listObjects, putObject } from './aws.mjs';
import { main, required, run, say } from './program.mjs';

await main(async () => {
  const bucket = required('PACKLEADER_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
  const sboms = required('PACKLEADER_SBOMS', /^sboms\/[a-z0-9-]+\/[0-9A-Za-z.-]+$/);
  const scans = required('PACKLEADER_SCANS', /^scans\/[\w.-]{1,80}$/);
  const command = required('PACKLEADER_SCAN_COMMAND', /\S/);
  const keys = await listObjects(bucket, `${sboms}/`);
  if (keys.length === 0) throw new Error(`s3://${bucket}/${sboms}/ holds no SBOM.`);
  for (const key of keys) {
    const name = key.slice(key.lastIndexOf('/') + 1);
    const sbom = resolve(name);
    writeFileSync(sbom, (await getObject(bucket, key)).body);
    say(`Scanning ${name}.`);
    const found = run('bash', ['-o', 'errexit', '-o', 'pipefail', '-c', command], {
      // What reads and writes here is not for the command.
      env: { SBOM: sbom, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '' },
    });
    if (!isCycloneDx(found)) throw new Error(`The command printed no CycloneDX for ${name}.`);
    const file = resolve(`found-${name}`);
    writeFileSync(file, found);
    await putObject(bucket, `${scans}/${name}`, file);
  }
});

/** @param {string} text */
function isCycloneDx(text) {
  try {
    return JSON.parse(text).bomFormat === 'CycloneDX';
  } catch {
    return false;
  }
}
