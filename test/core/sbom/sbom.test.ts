import { PackageURL } from 'packageurl-js';
import { describe, expect, it } from 'vitest';
import { readPackageList } from '../../../core/amis/package-list.ts';
import { purlOf } from '../../../core/sbom/purl.ts';
import { sbomOf } from '../../../core/sbom/sbom.ts';
import { madeUpPackages } from '../../../sandbox/packer/made-up-packages.ts';
import { cycloneDxProblems } from '../../fixtures/cyclonedx.ts';
import { RELEASE } from '../../fixtures/releases.ts';

const AMAZON = 'amzn\t2023\toperating-system\trpm\n';
const DEBIAN = 'debian\t13\toperating-system\tdeb\n';

/** Of the only package in a list. */
function purlIn(list: string): string | undefined {
  const { system, packages } = readPackageList(list);
  return packages[0] && purlOf(packages[0], system);
}

describe('the package URL', () => {
  it.each([
    [
      'of an RPM, which has its epoch beside its version',
      `${AMAZON}openssl-libs\t1:3.0.8-1.amzn2023.0.14\tx86_64\topenssl-3.0.8-1.amzn2023.0.14.src.rpm\n`,
      'pkg:rpm/amzn/openssl-libs@3.0.8-1.amzn2023.0.14?arch=x86_64&distro=amzn-2023&epoch=1&upstream=openssl-3.0.8-1.amzn2023.0.14.src.rpm',
    ],
    [
      'of Red Hat, which package URLs call otherwise',
      'rhel\t9.4\toperating-system\trpm\nbash\t0:5.1.8-9.el9\tx86_64\tbash-5.1.8-9.el9.src.rpm\n',
      'pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4&upstream=bash-5.1.8-9.el9.src.rpm',
    ],
    [
      'of a Debian package, which keeps its epoch, and tells its source where that is another one',
      `${DEBIAN}libstdc++6\t14.2.0-19\tamd64\tgcc-14 14.2.0-19\n`,
      'pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=debian-13&upstream=gcc-14',
    ],
    [
      'of a Debian package that was built again',
      `${DEBIAN}zlib1g\t1:1.3.1+b1\tamd64\tzlib 1:1.3.1\n`,
      'pkg:deb/debian/zlib1g@1:1.3.1+b1?arch=amd64&distro=debian-13&upstream=zlib%401%3A1.3.1',
    ],
    [
      'of a system without a version',
      'debian\t-\toperating-system\tdeb\nbash\t5.2\tamd64\tbash 5.2\n',
      'pkg:deb/debian/bash@5.2?arch=amd64&distro=debian',
    ],
    [
      'of a program of Windows',
      'Windows\t10.0.20348.0\toperating-system\nAmazon SSM Agent\t3.3\tprogram\n',
      'pkg:generic/Amazon%20SSM%20Agent@3.3',
    ],
    ['of a package whose system nobody names, is none', 'bash\t5.2\tx86_64\n', undefined],
  ])('%s', (_, list, expected) => {
    const found = purlIn(list);
    expect(found).toBe(expected);
    if (found !== undefined) expect(PackageURL.fromString(found).toString()).toBe(found);
  });
});

describe('an SBOM', () => {
  it.each([
    ['Amazon Linux', madeUpPackages('al2023-ami-2023.9', 'linux')],
    ['Debian', `${DEBIAN}bash\t5.2\tamd64\tbash 5.2\n`],
    ['Windows', madeUpPackages('Windows_Server-2022', 'windows')],
    ['a template that names no system', 'bash\t5.2\tx86_64\n'],
    ['an image that holds nothing', ''],
  ])('of %s is CycloneDX 1.5', (_, list) => {
    expect(cycloneDxProblems(sbomOf(RELEASE, list))).toEqual([]);
  });

  it('would not be valid with a component twice, or without a name: the schema looks', () => {
    const sbom = sbomOf(RELEASE, `${AMAZON}bash\t5.2-1\tx86_64\tbash-5.2-1.src.rpm\n`);
    const [system] = sbom.components;
    expect(cycloneDxProblems({ ...sbom, components: [system, system] })).not.toEqual([]);
    expect(cycloneDxProblems({ ...sbom, components: [{ type: 'library' }] })).not.toEqual([]);
    expect(cycloneDxProblems({ ...sbom, serialNumber: 'urn:uuid:1' })).not.toEqual([]);
  });

  it('names the image, its system, and each package once', () => {
    const line = 'bash\t5.2-1\tx86_64\tbash-5.2-1.src.rpm\n';
    expect(sbomOf(RELEASE, `${AMAZON}${line}${line}`)).toMatchObject({
      metadata: {
        timestamp: '2026-11-21T09:30:00.000Z',
        component: { type: 'platform', name: 'web', version: RELEASE.version, 'bom-ref': RELEASE.releaseId },
      },
      components: [
        { type: 'operating-system', name: 'amzn', version: '2023' },
        { type: 'library', name: 'bash', version: '5.2-1' },
      ],
    });
  });

  it('is the same whenever it is made, and another one of another list or release', () => {
    const one = sbomOf(RELEASE, AMAZON);
    expect(sbomOf(RELEASE, AMAZON)).toEqual(one);
    expect(sbomOf(RELEASE, DEBIAN).serialNumber).not.toBe(one.serialNumber);
    expect(sbomOf({ ...RELEASE, releaseId: 'web@1' }, AMAZON).serialNumber).not.toBe(one.serialNumber);
  });
});
