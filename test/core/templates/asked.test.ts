import { describe, expect, test } from 'vitest';
import { askedByTemplate } from '../../../core/templates/asked.ts';
import { readTemplate } from '../../../core/templates/template.ts';

async function asked(source: string, { more = '', told = {}, builder = 'amazon-ebs' } = {}) {
  const text = `source "${builder}" "web" {\n${source}\n}\nbuild { sources = ["source.${builder}.web"] }\n${more}`;
  return askedByTemplate(await readTemplate(new Map([['image.pkr.hcl', text]])), told);
}
const volume = (name: string, rest = '') =>
  `launch_block_device_mappings {\n device_name = ${name}\n${rest}\n}\n`;
const only = (...devices: string[]) => ({ devices, amiDevices: devices });

describe('what a template asks of its AMI', () => {
  test('is the device that it names', async () => {
    expect(await asked(volume('"/dev/sda1"'))).toEqual(only('/dev/sda1'));
  });

  test('is the variable’s value, as it is told or else by default, also through a local', async () => {
    const more = 'variable "root" { default = "/dev/xvda" }\nlocals { device = "${var.root}" }';
    expect(await asked(volume('local.device'), { more })).toEqual(only('/dev/xvda'));
    expect(await asked(volume('local.device'), { more, told: { root: '/dev/sda1' } })).toEqual(
      only('/dev/sda1'),
    );
  });

  test('are several volumes, less those that it takes away, and those of the AMI alone', async () => {
    const source = `${volume('"/dev/xvda"')}${volume('"/dev/sdb"')}${volume('"/dev/sdc"', 'no_device = true')}ami_block_device_mappings { device_name = "/dev/sdd" }`;
    expect(await asked(source)).toEqual({
      devices: ['/dev/xvda', '/dev/sdb', '/dev/sdc'],
      amiDevices: ['/dev/xvda', '/dev/sdb', '/dev/sdd'],
    });
  });

  test.each([
    ['a function', volume('lower("/DEV/XVDA")')],
    ['an interpolation', volume('"/dev/${var.letter}"')],
    ['a condition', volume('var.x ? "/dev/xvda" : "/dev/sda1"')],
    ['a variable without a value', volume('var.nothing')],
    ['a local that is itself', volume('local.loop')],
    ['dynamic blocks', 'dynamic "launch_block_device_mappings" {\n for_each = var.all\n content {}\n}'],
  ])('is unknown where it is %s', async (_, source) => {
    expect(await asked(source, { more: 'locals { loop = local.loop }' })).toEqual({});
  });

  test('is the boot mode that it sets', async () => {
    expect(await asked(`boot_mode = "uefi"\n${volume('"/dev/xvda"')}`)).toMatchObject({ bootMode: 'uefi' });
  });

  test('of a surrogate is the device that it registers, not the builder’s', async () => {
    const source = `${volume('"/dev/sdf"')}ami_root_device {\n source_device_name = "/dev/sdf"\n device_name = "/dev/xvda"\n}`;
    expect(await asked(source, { builder: 'amazon-ebssurrogate' })).toEqual({ rootDevice: '/dev/xvda' });
  });
});
