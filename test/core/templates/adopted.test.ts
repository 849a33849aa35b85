import { describe, expect, it } from 'vitest';
import { configurationFiles } from '../../../core/configuration/files.ts';
import { checkFactory } from '../../../core/configuration/check.ts';
import { chosenImage, loadConfiguration } from '../../../core/configuration/configuration.ts';
import { placeText } from '../../../core/configuration/documents/problems.ts';
import type { Adopted } from '../../../core/templates/adopted/adopted.ts';
import { askedByTemplate, rootVolumeSizeIn } from '../../../core/templates/asked.ts';
import { bakedTemplate, checkTemplates } from '../../../core/templates/check.ts';
import { type Files } from '../../../core/configuration/files.ts';
import { readTemplate } from '../../../core/templates/template.ts';
import { validate } from '../../../cli/checks/validate.ts';
import { findPacker } from '../../../tools/packer.ts';
import { adoptedNames, adoptingFiles, type AdoptedName, imageNamed } from '../../fixtures/adopting.ts';

async function adopt(files: Files, image: string) {
  const { factory } = loadConfiguration(configurationFiles(files));
  return bakedTemplate(files, chosenImage(factory, image));
}

async function adopted(name: AdoptedName): Promise<Adopted> {
  const { adopted: found, problems } = await adopt(adoptingFiles(), imageNamed(name));
  expect(problems).toEqual([]);
  if (!found) throw new Error(`${name} was not adopted`);
  return found;
}

/** Everything that is wrong, as a person reads it. */
async function problemsOf(files: Files): Promise<string[]> {
  const wrong = checkFactory(configurationFiles(files));
  const found =
    wrong.length > 0
      ? wrong
      : await checkTemplates(files, loadConfiguration(configurationFiles(files)), {
          images: loadConfiguration(configurationFiles(files)).factory.images.map(({ name }) => name),
        });
  return found.map((one) => `${placeText(one)} ${one.path}: ${one.message}`);
}

/** The one template of a directory made up here. */
function withTemplate(text: string, packer = ''): Files {
  const files = new Map(adoptingFiles(['var-files'], { 'var-files': packer }));
  for (const name of files.keys()) if (name.startsWith('.repository/mine/var-files/')) files.delete(name);
  return files.set('.repository/mine/var-files/a.pkr.hcl', new TextEncoder().encode(text));
}

const SMALL = `source "amazon-ebs" "a" {
  region        = "eu-west-1"
  source_ami    = "ami-0123456789abcdef0"
  instance_type = "t3.micro"
  ssh_username  = "ec2-user"
  ami_name      = "a"
}
build {
  sources = ["source.amazon-ebs.a"]
}
`;

const told = (changes: Adopted['changes'], change: string): string[] =>
  changes.filter((one) => one.change === change).map(({ what, line }) => `${what} :${line}`);

describe('templates that know nothing of packleader', () => {
  it.each(adoptedNames)('%s has all that a release needs, without a changed line', async (name) => {
    expect(await problemsOf(adoptingFiles([name]))).toEqual([]);
  });

  it('are what Packer takes, where it has their plugins', { timeout: 120_000 }, async () => {
    const packer = await findPacker();
    if (!packer) return;
    const files = adoptingFiles();
    const { checked } = await validate(files, {
      configurationFiles: configurationFiles(files),
      switches: { spotBuilders: true },
    });
    const judged = checked.filter(({ check }) => check.check === 'packer validate');
    const failed = judged.flatMap(({ check, result }) =>
      result.outcome === 'failed' ? [check.image, result.problems] : [],
    );
    expect(failed).toEqual([]);
    expect(judged.filter(({ result }) => result.outcome === 'ok').length).toBeGreaterThan(0);
  });

  it.each(adoptedNames)('%s keeps everything else byte for byte', async (name) => {
    const { files, placeOf } = await adopted(name);
    for (const { file, before, after } of files.filter((one) => one.before !== '')) {
      const lines = after.split('\n');
      const old = before.split('\n');
      const kept = lines.filter((line, at) => old[placeOf(file, at + 1).line - 1] === line);
      // What is not as it was says packleader's name, or is about a volume's encryption.
      const own = lines.filter((line, at) => old[placeOf(file, at + 1).line - 1] !== line);
      expect(kept.length + own.length).toBe(lines.length);
      for (const line of own)
        expect(line).toMatch(
          /packleader|concat|imds_support|launch_block_device|volume_|encrypted|delete_on_term|device_name|default += null|output|strip_path|post-processor|custom_data|^ *[}]$|tags *= merge/,
        );
    }
  });

  it('are rewritten to the same bytes each time', async () => {
    const [once, again] = await Promise.all([adopted('timestamp'), adopted('timestamp')]);
    expect(once.sha256).toBe(again.sha256);
    expect(once.overlay).toEqual(again.overlay);
  });
});

describe('the copy that is baked', () => {
  it('has what the transaction tells, and not what shares, copies, forces or has credentials', async () => {
    const { changes, overlay } = await adopted('timestamp');
    expect(told(changes, 'takes away')).toEqual([
      'force_deregister :45',
      'force_delete_snapshot :46',
      'assume_role :47',
      'assume_role of data "amazon-ami" "ubuntu" :28',
    ]);
    expect(told(changes, 'adds')).toEqual([
      'imds_support :38',
      'run_volume_tags :38',
      'vpc_id :38',
      'subnet_id :38',
      'security_group_ids :38',
      'iam_instance_profile :38',
      'kms_key_id to launch_block_device_mappings :51',
      'post-processor "manifest" :63',
    ]);
    expect(overlay.files['main.pkr.hcl']).toContain(
      'tags          = merge(merge(local.common_tags, { Name = "runner-${local.timestamp}" }), local.packleader_tags)\n',
    );
  });

  it('pins a data source that looked up the source AMI, drops one that nothing else asks, and keeps others', async () => {
    const pinned = (await adopted('timestamp')).overlay.files['main.pkr.hcl'] ?? '';
    const { blocks } = await readTemplate(new Map([['main.pkr.hcl', pinned]]));
    const data = blocks.filter(({ type }) => type === 'data');
    expect(data.map(({ labels }) => labels.join('.'))).toEqual([
      'amazon-ami.ubuntu',
      'amazon-parameterstore.motd',
    ]);
    expect(
      Object.fromEntries([...(data[0]?.attributes ?? [])].map(([name, { text }]) => [name, text])),
    ).toEqual({
      filters: '{ "image-id" = var.packleader_source_ami }',
      owners: 'concat(["099720109477"], ["self"])',
      most_recent: 'true',
      region: 'var.packleader.region',
    });
    expect((await adopted('ansible-goss')).overlay.files['image.pkr.hcl']).not.toContain('data "');
  });

  it('leaves what a mapped variable says already, and gives it to Packer by name', async () => {
    const { overlay, changes } = await adopted('no-defaults');
    expect(overlay.arguments).toEqual([
      '-only=amazon-ebs.server',
      '-var=packleader_source_ami={source_ami}',
      '-var=ami_id={source_ami}',
      '-var=packleader_subnet_id={subnet_id}',
      '-var=subnet={subnet_id}',
      '-var=packleader_instance_type={instance_type}',
    ]);
    expect(told(changes, 'replaces')).toEqual([
      'ami_name = "server-${uuidv4()}" :13',
      'instance_type = "t3.small" :11',
    ]);
    // What only a credential or a share needed has to be set by nobody.
    expect(told(changes, 'adds').filter((one) => one.startsWith('default'))).toEqual([
      'default = null to the variable access_key :1',
      'default = null to the variable secret_key :5',
      'default = null to the variable share_with :20',
    ]);
    expect(overlay.files['packleader.pkr.hcl']).toContain('required_plugins');
  });

  it('has one build of several, with what only its build says', async () => {
    const { overlay, build } = await adopted('build-level');
    expect(build).toBe('images.amazon-ebs.api');
    const text = overlay.files['all.pkr.hcl'] ?? '';
    expect(text).toContain('    name     = "api"\n    ami_name = var.packleader.ami_name\n');
    expect(text).toContain('    ami_name = "batch-{{timestamp}}"\n');
    expect(text).toContain('      encrypted  = true\n      kms_key_id = var.packleader.kms_key_id\n');
  });

  it('writes a manifest where the bake reads, beside one of its own elsewhere, and no second one there', async () => {
    const text = (await adopted('own-manifest')).overlay.files['app.pkr.hcl'] ?? '';
    expect(text).toContain('output     = "out/manifest.json"');
    expect(text).toContain('output     = "packer-manifest.json"');
    const own = SMALL.replace(/\}\n$/, '  post-processor "manifest" {}\n}\n');
    const { adopted: found } = await adopt(withTemplate(own), 'var-files');
    expect(found?.changes.filter(({ what }) => what.includes('manifest'))).toEqual([]);
  });

  it('is right on one line, without a last line end, and with the line ends of Windows', async () => {
    for (const text of [
      SMALL.replace(
        'build {\n  sources = ["source.amazon-ebs.a"]\n}\n',
        'build { sources = ["source.amazon-ebs.a"] }',
      ),
      SMALL.replaceAll('\n', '\r\n'),
    ])
      expect(await problemsOf(withTemplate(text))).toEqual([]);
  });
});

describe('fails, with the line and the reason, for a directory', () => {
  it.each<readonly [string, string, string, string]>([
    [
      'that the repository does not have',
      '',
      '',
      'images/var-files/image.yaml packer.directory: found "/mine/var-files", must be a directory that the repository has: /mine/var-files holds no file',
    ],
    [
      'with several builds',
      SMALL.replace(
        'build {\n  sources = [',
        'source "amazon-ebs" "b" {}\nbuild {\n  sources = ["source.amazon-ebs.b", ',
      ),
      '',
      'images/var-files/image.yaml packer.only: found nothing, must name one of amazon-ebs.b, amazon-ebs.a: a bake makes one AMI',
    ],
    [
      'without the build that is named',
      SMALL,
      'only: [amazon-ebs.aa]',
      'images/var-files/image.yaml packer.only: found "amazon-ebs.aa", must be a build of /mine/var-files, the nearest is "amazon-ebs.a"',
    ],
    [
      'that bakes no AMI',
      SMALL.replaceAll('amazon-ebs', 'docker'),
      '',
      'images/var-files/image.yaml packer.only: found docker.a in /mine/var-files, must have a build of amazon-ebs or amazon-ebssurrogate: a bake makes an AMI',
    ],
    [
      'whose product code nobody can take back',
      SMALL.replace('  ami_name', '  ami_product_codes = ["x"]\n  ami_name'),
      '',
      '/mine/var-files/a.pkr.hcl:6 source["amazon-ebs.a"].ami_product_codes: must not be there: a product code cannot be taken back',
    ],
    [
      'with a variable that nothing sets',
      `variable "colour" {}\n${SMALL.replace('"t3.micro"', '"t3.micro"\n  ssh_timeout = var.colour')}`,
      '',
      '/mine/var-files/a.pkr.hcl:1 variable.colour: has no default, must be set for dev',
    ],
    [
      'with a variable of packleader’s name',
      `variable "packleader" {}\n${SMALL}`,
      '',
      '/mine/var-files/a.pkr.hcl:1 variable.packleader: must have another name: packleader declares one of this',
    ],
    ['that is no HCL', `${SMALL}source {`, '', '/mine/var-files/a.pkr.hcl:11 : found'],
    [
      'without a file of variables that is named',
      SMALL,
      'varFiles: [prod.pkrvars.hcl]',
      'images/var-files/image.yaml packer.varFiles: found "prod.pkrvars.hcl", which /mine/var-files does not have',
    ],
    [
      'and a template besides',
      SMALL,
      'alongside: []\ntemplate: linux',
      'images/var-files/image.yaml:7 template: found "linux"',
    ],
    [
      'and a path that leads out of the factory',
      SMALL,
      'alongside: [../../../x]',
      'images/var-files/image.yaml:4 packer: found a path that leads out of the factory, must be written from the root of the repository, like /my-packer/web',
    ],
  ])('%s', async (_, text, packer, said) => {
    const files = new Map(withTemplate(text, packer));
    if (text === '') files.delete('.repository/mine/var-files/a.pkr.hcl');
    expect((await problemsOf(files))[0]).toContain(said);
  });

  it('beside a template of the image’s own, which nobody would read', async () => {
    const files = withTemplate(SMALL);
    const own = new Map(files).set('images/var-files/own.pkr.hcl', new TextEncoder().encode(SMALL));
    expect(await problemsOf(own)).toEqual([
      'images/var-files/own.pkr.hcl : would never be read: images/var-files/image.yaml takes /mine/var-files',
    ]);
  });

  it('that another image takes already, but for another build of it', async () => {
    const files = new Map(adoptingFiles(['build-level', 'several-sources']));
    const second = (only: string): Files =>
      new Map(files)
        .set(
          'images/second/image.yaml',
          new TextEncoder().encode(
            `description: x\nversion: '1.0'\nplatform: linux\npacker: { directory: /mine/build-level, only: [${only}] }\n`,
          ),
        )
        .set(
          'images/second/config/default.yaml',
          new TextEncoder().encode('source: { image: build-level }\n'),
        );
    expect(await problemsOf(second('images.amazon-ebs.batch'))).toEqual([]);
    expect(await problemsOf(second('images.amazon-ebs.api'))).toEqual([
      'images/second/image.yaml packer: found images.amazon-ebs.api of /mine/build-level, which images/build-level takes already: two images of one directory need a build each, named by only',
    ]);
  });
});

describe('where the builder of a template that knows nothing of packleader may run', () => {
  const choosing = (name: AdoptedName, layer: string, packer?: string): Files => {
    const files = new Map(adoptingFiles([name], packer === undefined ? {} : { [name]: packer }));
    const file = `images/${imageNamed(name)}/config/default.yaml`;
    const text = `${new TextDecoder().decode(files.get(file))}${layer}\n`;
    return files.set(file, new TextEncoder().encode(text));
  };

  it('is any of several instance types, and of no others that the template names', async () => {
    const files = new Map(choosing('timestamp', 'instanceTypes: [m7a.large]'));
    expect(await problemsOf(files)).toEqual([]);
    const { adopted: found } = await adopt(files, 'timestamp');
    expect(found?.overlay.arguments).toContain('-var=packleader_instance_type={instance_type}');
    const place = [...files.keys()].find((file) => file.endsWith('timestamp/main.pkr.hcl')) ?? '';
    const text = new TextDecoder().decode(files.get(place));
    const spot = text.replace(
      /^( +)instance_type .*$/m,
      '$1spot_instance_types = ["m5.large"]\n$1spot_price = "auto"',
    );
    expect(spot).not.toBe(text);
    files.set(place, new TextEncoder().encode(spot));
    const { adopted: rewrittenSpot } = await adopt(files, 'timestamp');
    const copy = rewrittenSpot?.overlay.files['main.pkr.hcl'] ?? '';
    expect(copy).not.toContain('spot_instance_types');
    expect(copy).toMatch(/spot_price += "auto"/);
    expect(copy).toMatch(/instance_type += var\.packleader_instance_type/);
  });

  it('is reached as the template says, so that another way is refused where it would do nothing', async () => {
    expect(await problemsOf(choosing('timestamp', 'sshInterface: private_ip'))).toEqual([
      'images/timestamp/config/default.yaml:2 sshInterface: found "private_ip" for an image whose template says itself how its builder is reached, must be absent, or images/timestamp/image.yaml must map a variable to ssh_interface under packer.variables',
    ]);
  });

  it('is one of several where a variable is mapped', async () => {
    const files = choosing('timestamp', 'instanceTypes: [m7a.large]', 'variables: { type: instance_type }');
    expect((await problemsOf(files)).filter((one) => one.includes('instanceTypes'))).toEqual([]);
    const { adopted: found } = await adopt(files, 'timestamp');
    expect(found?.overlay.arguments).toContain('-var=type={instance_type}');
  });
});

describe('a builder on spot of a template that knows nothing of packleader', () => {
  const onSpot = (packer?: string): Files => {
    const files = new Map(adoptingFiles(['timestamp'], packer === undefined ? {} : { timestamp: packer }));
    const file = `images/timestamp/config/default.yaml`;
    const text = `${new TextDecoder().decode(files.get(file))}spot: true\n`;
    return files.set(file, new TextEncoder().encode(text));
  };

  it('fails where nothing tells it', async () => {
    expect(await problemsOf(onSpot())).toEqual([
      'images/timestamp/config/default.yaml:2 spot: found true for an image whose template is not told of it, must be absent, or images/timestamp/image.yaml must map a variable to spot under packer.variables',
    ]);
  });

  it('is asked for by the copy that is baked where a variable is mapped', async () => {
    const files = onSpot('variables: { cheap: spot }');
    const { adopted: found } = await adopt(files, 'timestamp');
    expect(found?.overlay.arguments).toContain('-var=cheap={spot}');
    const copy = Object.values(found?.overlay.files ?? {}).join('\n');
    expect(copy).toMatch(/spot_price += var\.cheap \? "auto" : null/);
    expect(copy).toMatch(/spot_tags += var\.cheap \? local\.packleader_tags : null/);
    expect(copy).toMatch(/fleet_tags += var\.cheap \? local\.packleader_tags : null/);
  });
});

describe('a builder that is kept, of a template that knows nothing of packleader', () => {
  const kept = (packer?: string): Files => {
    const files = new Map(adoptingFiles(['timestamp'], packer === undefined ? {} : { timestamp: packer }));
    return files.set('images/timestamp/config/dev.yaml', new TextEncoder().encode('onFailure: keep\n'));
  };

  it('fails where nothing tells it', async () => {
    expect(await problemsOf(kept())).toEqual([
      'images/timestamp/config/dev.yaml:1 onFailure: found keep for an image whose template is not told of it, must be absent, or images/timestamp/image.yaml must map a variable to keep_minutes under packer.variables',
    ]);
  });

  it('is told by the variable that is mapped', async () => {
    const { adopted: found } = await adopt(kept('variables: { hold: keep_minutes }'), 'timestamp');
    expect(found?.overlay.arguments).toContain('-var=hold={keep_minutes}');
  });
});

describe('what a rewritten template asks of its AMI', () => {
  const asked = async (name: AdoptedName) => {
    const { template } = await adopt(adoptingFiles(), imageNamed(name));
    const variables = { packleader: { root_volume_size_gib: 12 } };
    return { ...askedByTemplate(template, variables), sizeGiB: rootVolumeSizeIn(template, variables) };
  };

  it('is the volume that the rewrite adds', async () => {
    expect(await asked('several-sources')).toMatchObject({ devices: ['/dev/sda1'], sizeGiB: 12 });
  });

  it('is what it says itself', async () => {
    expect(await asked('timestamp')).toMatchObject({ sizeGiB: 40 });
  });

  it('is nothing of what it computes, or of a surrogate’s builder', async () => {
    expect(await asked('build-level')).toEqual({ sizeGiB: undefined });
    expect(await asked('ebssurrogate')).toEqual({ rootDevice: '/dev/xvda', sizeGiB: undefined });
  });
});
