import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SCAN } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { Build } from './build.ts';

let build: Build;
beforeEach(() => {
  build = new Build();
});
afterEach(() => build.remove());

const VERSION = '1.4.20261121093000';
const SBOMS = keys.sbomsOf('web', VERSION);
const sbom = (name: string) => JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.5', name });

const scan = (command: string) =>
  build.run('scan', {
    [SCAN.bucket]: 'packleader-999999999999-eu-west-1',
    [SCAN.sboms]: SBOMS,
    [SCAN.scans]: keys.scans('web-1'),
    PACKLEADER_SCAN_COMMAND: command,
  });

describe('the build that runs a scanner of one’s own', () => {
  it('gives it each SBOM, and keeps what it prints', () => {
    build.put(`${SBOMS}/1.cdx.json`, sbom('one'));
    build.put(`${SBOMS}/2.cdx.json`, sbom('two'));
    const { status } = scan('sed s/1.5/1.6/ "$SBOM" | cat');
    expect(status).toBe(0);
    const found = ['1', '2'].map((name) => build.get(keys.scanOf('web-1', `${SBOMS}/${name}.cdx.json`)));
    expect(found.map(String)).toEqual(['one', 'two'].map((name) => sbom(name).replace('1.5', '1.6')));
  });

  it('keeps from it what reads and writes there', () => {
    build.put(`${SBOMS}/1.cdx.json`, sbom('one'));
    const { log } = scan('echo "credentials: <$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI>" >&2; cat "$SBOM"');
    expect(log).toContain('credentials: <>');
  });

  it.each([
    ['fails', 'exit 3', 'bash -o errexit failed: exit status 3'],
    ['fails in a pipe', 'false | cat "$SBOM"', 'bash -o errexit failed: exit status 1'],
    ['prints something else', 'echo fine', 'The command printed no CycloneDX for 1.cdx.json.'],
    ['prints another kind of JSON', 'echo "{}"', 'The command printed no CycloneDX for 1.cdx.json.'],
  ])('fails, and says so, when the command %s', (_, command, why) => {
    build.put(`${SBOMS}/1.cdx.json`, sbom('one'));
    const { status, exported } = scan(command);
    expect(status).not.toBe(0);
    expect(exported['LAST_ERROR']).toBe(why);
    expect(build.keys().filter((key) => key.startsWith('scans/'))).toEqual([]);
  });

  it('fails when there is no SBOM', () => {
    const { status, exported } = scan('cat "$SBOM"');
    expect(status).not.toBe(0);
    expect(exported['LAST_ERROR']).toBe(`s3://packleader-999999999999-eu-west-1/${SBOMS}/ holds no SBOM.`);
  });
});
