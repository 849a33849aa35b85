import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VALIDATE } from '../../core/contract/environments.ts';
import { keys } from '../../core/contract/keys.ts';
import { VALIDATE_TEMPLATES } from '../../workflow/machines/timeouts.ts';
import { packerSaid } from './packer-said/said.ts';
import { Build, requirePrograms, sha256 } from './build.ts';

const DEV = { accountId: '111111111111', region: 'eu-west-1' };
const PROD = { accountId: '222222222222', region: 'eu-west-1' };

let build: Build;
beforeAll(() => requirePrograms('unzip'));
beforeEach(() => {
  build = new Build();
  packer('exit 0');
});
afterEach(() => build.remove());

/** Stands in for Packer: keeps what it is told to validate, and then does as it is told. */
function packer(validating: string): void {
  build.program(
    'packer',
    `#!/usr/bin/env bash
[ "$1" = version ] && echo 'Packer v1.14.2' && exit
printf '%s\\n' "$(basename "$PWD"): $1 \${PKR_VAR_source_ami}" >>"$FAKE_AWS/packer"
if [ "$1" = init ]; then
  echo >>"$FAKE_AWS/inits"
  said="$FAKE_AWS/said/$(wc -l <"$FAKE_AWS/inits")"
  [ -e "$said" ] && cat "$said" >&2 && exit 1
  exit 0
fi
file="\${2#-var-file=}"
cat "$file" >>"$FAKE_AWS/told"
${validating}
`,
  );
}

function plan(
  image: string,
  target: typeof DEV,
  variables: object,
  { secrets, template }: { secrets?: object; template?: string } = {},
): void {
  const prefix = keys.planPrefix('run-1', image);
  build.put(keys.plan(prefix), JSON.stringify({ ...(template !== undefined && { template }) }));
  build.put(keys.packerVariables(prefix, target), JSON.stringify(variables));
  if (secrets) build.put(keys.packerSecrets(prefix, target), JSON.stringify(secrets));
}

function validate(
  files: Record<string, string> = { 'images/base/image.pkr.hcl': '# HCL\n' },
  environment: Record<string, string> = {},
) {
  const zip = zipSync(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)])),
  );
  const source = keys.source('c'.repeat(40), sha256(zip));
  build.put(source, zip);
  return build.run('validate', {
    [VALIDATE.bucket]: 'packleader-999999999999-eu-west-1',
    [VALIDATE.sourceKey]: source,
    [VALIDATE.sourceSha256]: sha256(zip),
    [VALIDATE.plans]: keys.plans('run-1'),
    ...environment,
  });
}

const calls = () => (build.left('../packer') ?? '').split('\n').filter(Boolean);
const told = () => build.left('../told') ?? '';

describe('the build that validates templates', () => {
  it('lets Packer judge every planned image, with a made-up source AMI', () => {
    plan('base', DEV, { ami_name: 'base' });
    plan('web', DEV, { ami_name: 'web' });
    const { status, log } = validate({
      'images/base/image.pkr.hcl': '# HCL\n',
      'images/web/image.pkr.hcl': '# HCL\n',
      'images/other/image.pkr.hcl': '# not planned\n',
    });
    expect([status, log]).toEqual([0, expect.stringContaining('base: packer validate, with 1 sets')]);
    const ofBoth = (verb: string) =>
      ['base', 'web'].map((image) => `${image}: ${verb} ami-0123456789abcdef0`);
    expect(calls().slice(0, 2)).toEqual(ofBoth('init'));
    // At once, so in any order.
    expect(calls().slice(2).toSorted()).toEqual(ofBoth('validate'));
  });

  it('tells it what differs between stages, and of targets that differ in their ids only what one of them is told', () => {
    plan('base', DEV, { ami_name: 'base', vpc_id: 'vpc-1', tags: { Environment: 'dev' } });
    plan(
      'base',
      { ...DEV, region: 'us-east-1' },
      { ami_name: 'base', vpc_id: 'vpc-2', tags: { Environment: 'dev' } },
    );
    plan('base', PROD, { ami_name: 'base', vpc_id: 'vpc-3', tags: { Environment: 'prod' } });
    expect(validate().log).toContain('base: packer validate, with 2 sets of variables');
    expect(told().match(/"Environment":"(dev|prod)"/g)).toHaveLength(2);
  });

  it('lays an image over its template first, as the bake does', () => {
    plan('base', DEV, { ami_name: 'base' }, { template: 'linux' });
    const { status, log } = validate({
      'images/base/image.yaml': 'version: "1.0"\n',
      'templates/linux/source.pkr.hcl': '# HCL\n',
    });
    expect([status, log]).toEqual([0, expect.stringContaining('base')]);
  });

  it('fails with what Packer says, for every image that it refuses', () => {
    packer('echo "Error: Unsupported argument: instance_typo" >&2; exit 1');
    plan('base', DEV, { ami_name: 'base' });
    const { status, exported } = validate();
    expect(status).not.toBe(0);
    expect(exported['LAST_ERROR']).toContain(
      'packer validate of base: Error: Unsupported argument: instance_typo',
    );
  });

  it('repeats packer init where that heals it, for half of its time, and says what Packer said last', () => {
    plan('base', DEV, { ami_name: 'base' });
    build.put('../said/1', packerSaid('init-bad-gateway'));
    build.put('../said/2', packerSaid('init-rate-limit'));
    expect(validate().status).toBe(0);
    expect(build.slept()).toEqual([5, 15]);
    for (let run = 4; run < 20; run++) build.put(`../said/${run}`, packerSaid('init-no-connection'));
    const { status, exported } = validate();
    expect([status, build.slept()]).toEqual([1, [5, 15, 5, 15, 45, 135]]);
    expect(exported['LAST_ERROR']).toMatch(/^packer init of base: Failed getting .* proxyconnect tcp/);
  });

  it('installs the plugins that are pinned once, for all images, and asks nobody for others', () => {
    for (const image of ['base', 'web']) plan(image, DEV, { ami_name: image });
    const plugin = zipSync({ 'packer-plugin-amazon_v1.3.2_x5.0_linux_arm64': Buffer.from('a plugin') });
    build.put(keys.tool(sha256(plugin)), plugin);
    const pinned = {
      PACKLEADER_PLUGINS: `github.com/hashicorp/amazon https://example.com/plugin.zip ${sha256(plugin)}`,
      PACKLEADER_DOWNLOADS: 'bucket',
    };
    const files = { 'images/base/image.pkr.hcl': '# HCL\n', 'images/web/image.pkr.hcl': '# HCL\n' };
    const { status, log } = validate(files, pinned);
    expect(status, log).toBe(0);
    expect(
      calls()
        .map((call) => call.split(' ')[1] ?? '')
        .toSorted(),
    ).toEqual(['plugins', 'validate', 'validate']);
    const other = pinned.PACKLEADER_PLUGINS.replace(sha256(plugin), '0'.repeat(64));
    build.put(keys.tool('0'.repeat(64)), plugin);
    expect(validate(files, { ...pinned, PACKLEADER_PLUGINS: other })).toMatchObject({
      status: 1,
      exported: { LAST_ERROR: expect.stringMatching(/tools\/0{64} has the SHA-256 \w+, expected 0{64}/) },
    });
  });

  it('knows its time limit', () => {
    const program = readFileSync(new URL('../../buildspecs/validate.mjs', import.meta.url), 'utf8');
    expect(program).toContain(`const MINUTES = ${VALIDATE_TEMPLATES.toMinutes() - 1};`);
  });

  it('fails when there is no plan, and when an image has no template', () => {
    plan('base', DEV, { ami_name: 'base' });
    expect(validate({ 'images/base/image.yaml': '' }).exported['LAST_ERROR']).toContain(
      'images/base holds no *.pkr.hcl',
    );
  });

  it('makes up a secret, and takes no refusal of what it made up for a mistake', () => {
    const secrets = { token: { secretsManager: 'packleader/token' } };
    plan('base', DEV, { ami_name: 'base' }, { secrets });
    // The brace, the name, and the secret in line 3.
    packer('printf "Error: Invalid value for variable\\n\\n  on %s line 3:\\n" "$file" >&2; exit 1');
    const { status, log } = validate();
    expect([status, log]).toEqual([0, expect.stringContaining('only the bake knows the secret token')]);
    expect(told()).toContain('"token": "a secret that only the bake knows"');
    packer('printf "Error: Invalid value for variable\\n\\n  on %s line 2:\\n" "$file" >&2; exit 1');
    expect(validate().status).not.toBe(0);
  });
});

describe('of images that take one directory as it is', () => {
  const overlay = (image: string) =>
    JSON.stringify({
      directory: 'mine',
      arguments: [`-only=amazon-ebs.${image}`, '-var=ami_id={source_ami}'],
      files: { 'a.pkr.hcl': `rewritten for ${image}\n` },
    });

  function planned(image: string, target: typeof DEV, variables: object): void {
    const prefix = keys.planPrefix('run-1', image);
    const adopted = { directory: 'mine', overlaySha256: sha256(overlay(image)) };
    build.put(keys.plan(prefix), JSON.stringify({ adopted }));
    build.put(keys.overlay(prefix, target), overlay(image));
    build.put(keys.packerVariables(prefix, target), JSON.stringify(variables));
  }

  it('lays over a copy for each what was planned, and judges targets once that differ in their ids', () => {
    build.program(
      'packer',
      `#!/usr/bin/env bash
[ "$1" = version ] && echo 'Packer v1.14.2' && exit
[ "$1" = init ] && exit
printf '%s %s\\n' "$*" "$(cat a.pkr.hcl)" >>"$FAKE_AWS/packer"
`,
    );
    const variables = (subnet: string) => ({ subnet, packleader: { ami_name: 'web', subnet_id: subnet } });
    for (const image of ['db', 'web']) {
      planned(image, DEV, variables('subnet-1'));
      planned(image, PROD, variables('subnet-2'));
    }
    const { status, log } = validate({ 'mine/a.pkr.hcl': 'as it was\n', 'images/web/image.yaml': '' });
    expect(status, log).toBe(0);
    const work = `${build.directory}/work`;
    expect(calls().toSorted()).toEqual(
      ['db', 'web'].map(
        (image) =>
          `validate -only=amazon-ebs.${image} -var=ami_id=ami-0123456789abcdef0 -var-file=${work}/${image}.0.pkrvars.json . rewritten for ${image}`,
      ),
    );
  });
});
