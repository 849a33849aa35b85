import { describe, expect, test } from 'vitest';
import { requirementProblems } from '../../../core/templates/requirements.ts';
import { readTemplate } from '../../../core/templates/template.ts';

/** As small as a template may be that has all a release needs. */
const SOUND = `
variable "region" {}
locals {
  all  = merge(var.tags, { Team = "images" })
  name = var.ami_name
}
source "amazon-ebs" "web" {
  region          = var.region
  source_ami      = "\${var.source_ami}"
  ami_name        = local.name
  tags            = local.all
  snapshot_tags   = local.all
  run_tags        = local.all
  run_volume_tags = var.tags
  imds_support    = "v2.0"
  launch_block_device_mappings {
    device_name = "/dev/xvda"
    encrypted   = true
    kms_key_id  = var.kms_key_id
  }
}
build {
  sources = ["source.amazon-ebs.web"]
  post-processor "manifest" {}
}
`;

async function problemsIn(...texts: readonly string[]): Promise<string[]> {
  const files = new Map(
    texts.map((text, index) => [`${index === 0 ? 'image' : `more-${index}`}.pkr.hcl`, text]),
  );
  const problems = requirementProblems(await readTemplate(files));
  return problems.map(({ file, line, path, message }) => `${file}:${line} ${path}: ${message}`);
}

function changed(from: string | RegExp, to: string): string {
  expect(SOUND).toMatch(from);
  return SOUND.replace(from, to);
}
const added = (text: string) => changed('region          = var.region', `region = var.region\n  ${text}`);

describe('a template', () => {
  test('that has all a release needs is sound, also when it says it by locals and in several files', async () => {
    expect(await problemsIn(SOUND)).toEqual([]);
    const [before = '', after = ''] = SOUND.split(/(?=^build)/m);
    expect(await problemsIn(after, before)).toEqual([]);
  });

  test('that tags by dynamic blocks, or adds attributes in its build, is sound', async () => {
    const dynamic = changed(
      'run_tags        = local.all',
      'dynamic "run_tag" {\n    for_each = var.tags\n    content {\n      key = run_tag.key\n      value = run_tag.value\n    }\n  }',
    );
    expect(await problemsIn(dynamic)).toEqual([]);
    const inBuild = changed('  ami_name        = local.name\n', '').replace(
      'sources = ["source.amazon-ebs.web"]',
      'source "source.amazon-ebs.web" {\n    ami_name = var.ami_name\n  }',
    );
    expect(await problemsIn(inBuild)).toEqual([]);
  });

  test('in the JSON syntax of HCL is read like any other', async () => {
    const body = {
      region: '${var.region}',
      source_ami: '${var.source_ami}',
      ami_name: '${var.ami_name}',
      tags: '${var.tags}',
      snapshot_tags: '${merge(var.tags, {})}',
      run_tags: '${var.tags}',
      run_volume_tags: '${var.tags}',
      imds_support: 'v2.0',
      launch_block_device_mappings: [{ encrypted: true, kms_key_id: '${var.kms_key_id}' }],
    };
    const json = (source: object) =>
      JSON.stringify({
        source: { 'amazon-ebs': { web: source } },
        build: [{ sources: ['source.amazon-ebs.web'], 'post-processor': { manifest: {} } }],
      });
    const read = async (source: object) =>
      requirementProblems(await readTemplate(new Map([['image.pkr.json', json(source)]]))).map(
        ({ message }) => message,
      );
    expect(await read(body)).toEqual([]);
    expect(await read({ ...body, ami_users: ['111111111111'] })).toEqual([
      expect.stringMatching(/^must not be there: Packer shares before it tags/),
    ]);
    expect(await read({ ...body, run_tags: {} })).toEqual([
      expect.stringMatching(/^found no var\.tags in "\{\}"/),
    ]);
  });
});

describe('fails for a template', () => {
  const web = 'source["amazon-ebs.web"]';
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'without a build',
      changed(/^build[\s\S]*/m, ''),
      'image.pkr.hcl:0 build: found no build, must have one: it is what makes the AMI',
    ],
    [
      'whose build uses a source that is not there',
      changed('["source.amazon-ebs.web"]', '["source.amazon-ebs.other"]'),
      'image.pkr.hcl:22 build: found the source amazon-ebs.other, must be one that this template has',
    ],
    [
      'one of whose sources is not there',
      changed('["source.amazon-ebs.web"]', '["source.amazon-ebs.web", "source.amazon-ebs.wbe"]'),
      'image.pkr.hcl:22 build: found the source amazon-ebs.wbe, must be one that this template has: amazon-ebs.web',
    ],
    [
      'with a second build',
      `${SOUND}build {\n  sources = ["source.amazon-ebs.web"]\n}\n`,
      'image.pkr.hcl:26 build: found a second build, must be one: a bake makes one AMI, and of a name there can be one',
    ],
    [
      'with several sources in its builds',
      `${changed('["source.amazon-ebs.web"]', '["source.amazon-ebs.web", "source.amazon-ebs.db"]')}\nsource "amazon-ebs" "db" {}`,
      'image.pkr.hcl:22 build: found the sources amazon-ebs.web, amazon-ebs.db, must be one: a bake makes one AMI',
    ],
    [
      'with another builder',
      SOUND.replaceAll('amazon-ebs', 'docker'),
      'image.pkr.hcl:7 source["docker.web"]: found the builder docker, must be amazon-ebs or amazon-ebssurrogate',
    ],
    [
      'with a name of its own',
      changed('local.name', '"web-${formatdate("YYYYMMDD", timestamp())}"'),
      `image.pkr.hcl:10 ${web}.ami_name: found "\\"web-\${formatdate(\\"YYYYMMDD\\", timestamp())}\\"", must be var.ami_name: a rollback finds an AMI by it`,
    ],
    [
      'with a region of its own',
      changed('= var.region', '= "eu-west-1"'),
      `image.pkr.hcl:8 ${web}.region: found "\\"eu-west-1\\"", must be var.region: the AMI must be in its target`,
    ],
    [
      'without a source AMI',
      changed(/ {2}source_ami .*\n/, ''),
      `image.pkr.hcl:7 ${web}: found no source_ami, must be source_ami = var.source_ami: every account starts from the source AMI that the release has pinned`,
    ],
    [
      'without IMDSv2',
      changed(/ {2}imds_support .*\n/, ''),
      `image.pkr.hcl:7 ${web}: found no imds_support, must be imds_support = "v2.0": instances of the AMI must not serve credentials to whoever asks without a token`,
    ],
    [
      'that looks for a source AMI itself',
      changed(/ {2}source_ami .*\n/, '  source_ami_filter {\n    most_recent = true\n  }\n'),
      `image.pkr.hcl:9 ${web}.source_ami_filter: must not be there: the source AMI is resolved once for all accounts: take source_ami = var.source_ami, and write the filter in \`source\` of a layer`,
    ],
    ...['tags', 'snapshot_tags', 'run_tags', 'run_volume_tags'].map(
      (name) =>
        [
          `without ${name}`,
          changed(new RegExp(`^ {2}${name} +=.*\n`, 'm'), ''),
          expect.stringContaining(
            `image.pkr.hcl:7 ${web}: found no ${name}, must be ${name} = merge(var.tags, …) or var.tags: `,
          ),
        ] as const,
    ),
    [
      'with tags that do not hold the release’s',
      changed('snapshot_tags   = local.all', 'snapshot_tags = { Team = "images" }'),
      expect.stringContaining(
        `image.pkr.hcl:12 ${web}.snapshot_tags: found no var.tags in "{ Team = \\"images\\" }", must be`,
      ),
    ],
    [
      'without a device mapping, and so without encryption',
      changed(/ {2}launch_block[\s\S]*?\n {2}}\n/, ''),
      expect.stringContaining(
        `image.pkr.hcl:7 ${web}: found no launch_block_device_mappings, must have one with encrypted = true and kms_key_id = var.kms_key_id`,
      ),
    ],
    [
      'with a volume that is not encrypted',
      changed('encrypted   = true', 'encrypted = false'),
      expect.stringContaining(
        `image.pkr.hcl:18 ${web}.launch_block_device_mappings: found encrypted = "false", must be encrypted = true`,
      ),
    ],
    [
      'with a volume under another key',
      changed(/ {4}kms_key_id.*\n/, ''),
      expect.stringContaining(
        `image.pkr.hcl:16 ${web}.launch_block_device_mappings: found no kms_key_id, must be kms_key_id = var.kms_key_id`,
      ),
    ],
    ...[
      'ami_users = ["111111111111"]',
      'ami_groups = ["all"]',
      'ami_org_arns = ["arn:aws:organizations::1:organization/o-1"]',
      'snapshot_users = ["111111111111"]',
      'ami_regions = ["us-east-1"]',
      'force_deregister = true',
      'force_delete_snapshot = true',
      'encrypt_boot = true',
      'skip_create_ami = true',
      'deregistration_protection {\n    enabled = true\n  }',
    ].map((text): readonly [string, string, string] => {
      const [name = ''] = text.split(' ');
      return [
        `with ${name}`,
        added(text),
        expect.stringContaining(`image.pkr.hcl:9 ${web}.${name}: must not be there: `),
      ];
    }),
    [
      'that writes its manifest where nobody reads it',
      changed('post-processor "manifest" {}', 'post-processor "manifest" { output = "other.json" }'),
      'image.pkr.hcl:24 build.manifest.output: found "other.json", must be "packer-manifest.json", which is where the id of the AMI is read',
    ],
    [
      'with a credential in it',
      added('access_key = "AKIAABCDEFGHIJKLMNOP"'),
      `image.pkr.hcl:9 ${web}.access_key: must not be there: a bake has the credentials of its role, and everybody who reads the repository reads the template`,
    ],
    [
      'without a manifest',
      changed(/ {2}post-processor.*\n/, ''),
      'image.pkr.hcl:22 build: found no post-processor "manifest", must have one: the id of the AMI is read from what it writes, never from the log',
    ],
  ];

  test.each(cases)('%s', async (_, text, wanted) => {
    expect(await problemsIn(text)).toEqual([wanted]);
  });

  test.each(['force_deregister = false', 'ami_users = []', 'encrypt_boot = null'])(
    'but not for %s, which means nothing',
    async (text) => {
      expect(await problemsIn(added(text))).toEqual([]);
    },
  );
});
