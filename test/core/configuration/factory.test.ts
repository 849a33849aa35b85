import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../../core/contract/errors.ts';
import { loadFactory } from '../../../core/configuration/factory.ts';
import { edited, factoryWith, problemsWith, refusal } from './example.ts';

const edit = (piece: string, replacement: string) => edited('factory.yaml', piece, replacement);

describe('a factory', () => {
  it.each([
    ['config/default.yaml', 'deprecateAfterDays: 90'],
    ['images/base/config/prod.yaml', "accounts: { '222222222222': { deprecateAfterDays: 90 } }"],
    ['config/dev.yaml', 'regions:\n  eu-west-1:\n    deprecateAfterDays: 90'],
  ])('has AMIs deprecated when %s says so, anywhere in it', (file, text) => {
    expect(loadFactory(factoryWith({ [file]: text })).deprecatesAmis).toBe(true);
  });

  it.each([
    '# deprecateAfterDays: 90',
    'deprecateAfterDays: null',
    'variables: { deprecateAfterDays: 90 }',
    '',
  ])('has none deprecated when a layer says %j', (text) => {
    expect(loadFactory(factoryWith({ 'config/prod.yaml': text })).deprecatesAmis).toBeUndefined();
  });

  it('has a repository, a hub, ordered stages and images by name', () => {
    expect(loadFactory(factoryWith())).toEqual({
      repository: 'https://github.com/example/images',
      defaultBranch: 'main',
      hub: { accountId: '999999999999', region: 'eu-west-1' },
      stages: [
        {
          name: 'dev',
          targets: [
            { accountId: '111111111111', region: 'eu-west-1' },
            { accountId: '111111111111', region: 'us-east-1' },
          ],
        },
        { name: 'prod', targets: [{ accountId: '222222222222', region: 'eu-west-1' }] },
      ],
      images: [
        { name: 'base', description: 'The base', version: '1.4', platform: 'linux' },
        { name: 'desktop', description: 'A Windows image', version: '3.0', platform: 'windows' },
        { name: 'web', description: 'Built on base', version: '2.0', platform: 'linux' },
      ],
    });
  });

  it.each([
    'https://gitlab.example.com/group/images.git',
    'codecommit://images',
    'codecommit::eu-west-1://images',
    'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/images',
  ])('may live at %s', (repository) => {
    const files = factoryWith(edit('https://github.com/example/images', repository));
    expect(loadFactory(files).repository).toBe(repository);
  });

  it('may have a release wait for a retry, where there is a later stage', () => {
    const waiting = (retry: string) => edit('stages:', `retry: ${retry}\nstages:`);
    expect(loadFactory(factoryWith(waiting('{ waitHours: 4 }'))).retry).toEqual({ waitHours: 4 });
    const refused = (files: ReturnType<typeof factoryWith>) => refusal(() => loadFactory(files)).message;
    expect(refused(factoryWith(waiting('{ waitHours: 73 }')))).toContain(
      'retry.waitHours: found 73, must be a whole number from 1 to 72',
    );
    expect(refused(factoryWith(waiting('4')))).toContain('retry: found 4, must be a map of waitHours');
    const one = waiting('{ waitHours: 4 }')['factory.yaml']?.replace(/ {2}- name: prod[^]*/, '') ?? '';
    expect(refused(factoryWith({ 'factory.yaml': one }))).toContain(
      'retry: found a wait for a retry, must be left out: with one stage there is nothing to keep',
    );
  });

  it('may ask for approval of a stage: for two days and by anybody, unless it says otherwise', () => {
    const approvalOf = (approval: string) =>
      loadFactory(factoryWith(edit('- name: prod', `- name: prod\n    approval: ${approval}`))).stages[1]
        ?.approval;
    expect(approvalOf('{}')).toEqual({ timeoutHours: 48 });
    expect(approvalOf('{ timeoutHours: 168, fourEyes: true }')).toEqual({
      timeoutHours: 168,
      fourEyes: true,
    });
  });

  it.each([
    [
      'dev',
      '{}',
      'stages[0].approval: found an approval in the first stage, must be in a later one: before it nothing is built that could be approved',
    ],
    [
      'prod',
      '{ timeoutHours: 0 }',
      'stages[1].approval.timeoutHours: found 0, must be a whole number from 1 to 168',
    ],
    [
      'prod',
      '{ timeoutHours: 8784 }',
      'stages[1].approval.timeoutHours: found 8784, must be a whole number from 1 to 168',
    ],
    [
      'prod',
      '{ timeoutHours: 1.5 }',
      'stages[1].approval.timeoutHours: found 1.5, must be a whole number from 1 to 168',
    ],
    [
      'prod',
      '{ notify: true }',
      'stages[1].approval.notify: found true, must be a map of topicArn; {} for a topic that the hub makes',
    ],
    [
      'prod',
      '{ notify: { topicArn: approvers } }',
      'stages[1].approval.notify.topicArn: found "approvers", must be the ARN of an SNS topic',
    ],
    [
      'prod',
      "{ notify: { topicArn: 'arn:aws:sns:us-east-1:999999999999:approvers' } }",
      'stages[1].approval.notify.topicArn: found a topic of 999999999999/us-east-1, must be of the hub, 999999999999/eu-west-1',
    ],
    ['prod', '{ fourEyes: yes }', 'stages[1].approval.fourEyes: found "yes", must be true or false'],
    [
      'prod',
      'true',
      'stages[1].approval: found true, must be a map of timeoutHours, fourEyes and notify; {} for all as they are by default',
    ],
    [
      'prod',
      '{ timeoutHour: 4 }',
      'stages[1].approval.timeoutHour: found an unknown key, the nearest is "timeoutHours"',
    ],
  ])('refuses in %s the approval %s', (stage, approval, sentence) => {
    const found = problemsWith(edit(`- name: ${stage}`, `- name: ${stage}\n    approval: ${approval}`));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^factory\.yaml:\d+ /);
    expect(found[0]).toContain(sentence);
  });

  it('refuses stages that wait for more than a week together', () => {
    const more = `- name: prod
    approval: { timeoutHours: 100 }
    targets: [{ accountId: '333333333333', region: eu-west-1 }]
  - name: last
    approval: { timeoutHours: 69 }`;
    expect(problemsWith(edit('- name: prod', more))).toEqual([
      expect.stringContaining('found 169 hours in all stages together, must be at most 168'),
    ]);
  });

  it('takes an account id that is a number of 12 digits', () => {
    const files = factoryWith(edit(`hub: { accountId: '999999999999'`, 'hub: { accountId: 999999999999'));
    expect(loadFactory(files).hub.accountId).toBe('999999999999');
  });

  it('leaves other files of an image alone', () => {
    expect(
      problemsWith({ 'images/base/ansible/playbook.yml': '- hosts: all', 'scripts/x.yaml': '%' }),
    ).toEqual([]);
  });

  it.each([
    [
      'without factory.yaml',
      { 'factory.yaml': null },
      'factory.yaml: found no factory.yaml, must name the repository, the hub and the stages',
    ],
    [
      'on an account id that lost its leading zero',
      edit(`hub: { accountId: '999999999999'`, 'hub: { accountId: 012345678901'),
      'factory.yaml:2 hub.accountId: found 12345678901, must be 12 digits: write it in quotes, a number loses its leading zeros',
    ],
    [
      'on an account id of letters',
      edit(`'999999999999'`, 'production'),
      'factory.yaml:2 hub.accountId: found "production", must be 12 digits',
    ],
    [
      'on a region that is none',
      edit(
        "{ accountId: '222222222222', region: eu-west-1 }",
        "{ accountId: '222222222222', region: Ireland }",
      ),
      'factory.yaml:10 stages[1].targets[0].region: found "Ireland", must look like eu-west-1',
    ],
    [
      'on a region that looks like one and is none, naming the nearest',
      edit(
        "{ accountId: '222222222222', region: eu-west-1 }",
        "{ accountId: '222222222222', region: us-esat-1 }",
      ),
      'factory.yaml:10 stages[1].targets[0].region: found "us-esat-1", must be a region of AWS, the nearest is "us-east-1"',
    ],
    [
      'on a repository that is no URL',
      edit('https://github.com/example/images', 'images'),
      'factory.yaml:1 repository: found "images", must be an https or codecommit URL, like https://github.com/example/images',
    ],
    [
      'on an unknown key, naming the nearest',
      edit('repository:', 'respository:'),
      'factory.yaml:1 respository: found an unknown key, the nearest is "repository"',
    ],
    [
      'on no stages',
      {
        'factory.yaml': `repository: https://a/b\nhub: { accountId: '999999999999', region: eu-west-1 }\nstages: []\n`,
      },
      'factory.yaml:3 stages: found a list, must hold at least one stage',
    ],
    [
      'on a stage without targets',
      edit(`\n      - { accountId: '222222222222', region: eu-west-1 }`, ' []'),
      'factory.yaml:9 stages[1].targets: found a list, must hold at least one target',
    ],
    [
      'on a stage whose name is no slug',
      edit('name: dev', 'name: Dev_1'),
      'factory.yaml:4 stages[0].name: found "Dev_1", must be lower-case letters, digits and single dashes, start with a letter and have at most 20 characters',
    ],
    [
      'on a stage called default',
      edit('name: dev', 'name: default'),
      'factory.yaml:4 stages[0].name: found "default", must not be default: config/default.yaml holds for every stage',
    ],
    [
      'on a stage twice',
      edit('name: prod', 'name: dev'),
      'factory.yaml:8 stages[1].name: found "dev" twice, must be unique',
    ],
    [
      'on a target twice',
      edit("'222222222222', region: eu-west-1", "'111111111111', region: us-east-1"),
      'factory.yaml:10 stages[1].targets[0]: found 111111111111/us-east-1 twice (first on line 7), must be a target once: an AMI’s name and the parameters of an image are unique in an account and region',
    ],
    [
      'on more than 1,000 targets',
      edit(
        `      - { accountId: '222222222222', region: eu-west-1 }`,
        Array.from(
          { length: 999 },
          (_, at) => `      - { accountId: ${300_000_000_000 + at}, region: eu-west-1 }`,
        ).join('\n'),
      ),
      'factory.yaml:3 stages: found 1001 targets in all stages, must be at most 1000',
    ],
    [
      'on a scalar where a map is expected',
      edit(`{ accountId: '999999999999', region: eu-west-1 }`, 'main'),
      'factory.yaml:2 hub: found "main", must be a map of accountId and region',
    ],
    [
      'on a missing key',
      edit('repository: https://github.com/example/images\n', ''),
      'factory.yaml:1 repository: found nothing, must be an https or codecommit URL, like https://github.com/example/images',
    ],
  ])('fails %s', (_what, changes, expected) => {
    expect(problemsWith(changes)).toContain(expected);
  });

  it.each([
    'https://somebody:hunter2hunter2@github.com',
    'ssh://git:hunter2hunter2@github.com',
    'https://ghp_hunter2hunter2hunter2@github.com',
  ])('fails once on a credential in the URL of the repository, whose advice is taken: %s', (origin) => {
    const problems = problemsWith(edit('https://github.com/example/images', `${origin}/example/images`));
    expect(problems).toEqual([
      'factory.yaml:1 repository: found a credential (not shown), must be https://github.com/example/images: a token belongs into a secret in the hub, named by repositoryTokenSecret in packleader.config',
    ]);
  });

  it('fails with every problem at once, one per line', () => {
    const files = factoryWith({
      ...edit('name: dev', 'name: Dev'),
      'images/base/image.yaml': 'description: x\nversion: 1.10\nplatform: Linux\n',
      'images/web/image.yaml': null,
    });
    const refused = refusal(() => loadFactory(files));
    expect(refused.name).toBe(ERRORS.invalidConfiguration);
    expect(refused.problems).toHaveLength(4);
    expect(refused.message.split('\n')).toEqual([
      'factory.yaml:4 stages[0].name: found "Dev", must be lower-case letters, digits and single dashes, start with a letter and have at most 20 characters',
      'images/base/image.yaml:2 version: found 1.1, must be a string in quotes, like "1.4": without them 1.10 silently becomes 1.1',
      'images/base/image.yaml:3 platform: found "Linux", must be linux or windows',
      'images/web/image.yaml: found no image.yaml, must hold description, version and platform of the image',
    ]);
  });
});

describe('an image', () => {
  it.each([
    [
      'on a version of one number',
      edited('images/base/image.yaml', `'1.4'`, `'1'`),
      'images/base/image.yaml:2 version: found "1", must be "<major>.<minor>", like "1.4"',
    ],
    [
      'on a missing platform',
      edited('images/base/image.yaml', 'platform: linux\n', ''),
      'images/base/image.yaml:1 platform: found nothing, must be linux or windows',
    ],
    [
      'on an empty description',
      edited('images/base/image.yaml', 'The base', "''"),
      'images/base/image.yaml:1 description: found "", must be a sentence about the image',
    ],
    [
      'on an empty image.yaml',
      { 'images/base/image.yaml': '' },
      'images/base/image.yaml:1: is empty, must hold what docs/settings.md says is required',
    ],
    [
      'on a directory that is no slug',
      { 'images/My_Image/image.yaml': 'a: 1\n' },
      'images/My_Image: found the name "My_Image", must be lower-case letters, digits and single dashes, start with a letter and have at most 40 characters',
    ],
    [
      'on a directory with a name too long',
      { [`images/${'a'.repeat(41)}/image.yaml`]: 'a: 1\n' },
      `images/${'a'.repeat(41)}: found the name "${'a'.repeat(41)}", must be lower-case letters, digits and single dashes, start with a letter and have at most 40 characters`,
    ],
  ])('fails %s', (_what, changes, expected) => {
    expect(problemsWith(changes)).toContain(expected);
  });

  it.each([
    'https://somebody:hunter2hunter2@github.com',
    'ssh://git:hunter2hunter2@github.com',
    'https://ghp_hunter2hunter2hunter2@github.com',
  ])('fails once on a credential in the URL of the repository, whose advice is taken: %s', (origin) => {
    const problems = problemsWith(edit('https://github.com/example/images', `${origin}/example/images`));
    expect(problems).toEqual([
      'factory.yaml:1 repository: found a credential (not shown), must be https://github.com/example/images: a token belongs into a secret in the hub, named by repositoryTokenSecret in packleader.config',
    ]);
  });
});

describe('the template of an image', () => {
  const names = (...templates: string[]) =>
    Object.fromEntries(templates.map((name) => [`templates/${name}/source.pkr.hcl`, '']));
  const states = (template: string) =>
    edited('images/base/image.yaml', 'platform: linux\n', `platform: linux\ntemplate: ${template}\n`);
  const templatesOf = (changes: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      loadFactory(factoryWith(changes)).images.map(({ name, template }) => [name, template]),
    );

  it('is that of its platform, where the factory has one', () => {
    expect(templatesOf(names('linux', 'hardened'))).toEqual({
      base: 'linux',
      desktop: undefined,
      web: 'linux',
    });
  });

  it('is the one that it names', () => {
    const changes = { ...names('linux', 'hardened'), ...states('hardened') };
    expect(templatesOf(changes)).toMatchObject({ base: 'hardened', web: 'linux' });
  });

  it('is none where it says so, whatever there is', () => {
    expect(templatesOf({ ...names('linux'), ...states('none') }).base).toBeUndefined();
    expect(templatesOf(states('none')).base).toBeUndefined();
  });

  it.each([
    [
      'that is not there, with those that are',
      { ...names('linux', 'windows'), ...states('linx') },
      'images/base/image.yaml:4 template: found "linx", must be one of the directories below templates/, "linux", "windows", or none',
    ],
    [
      'in a factory without any, also that of its platform',
      states('linux'),
      'images/base/image.yaml:4 template: found "linux", must be none: there is no directory below templates/',
    ],
    [
      'that is a path',
      { ...names('linux'), ...states('../images/web') },
      'images/base/image.yaml:4 template: found "../images/web", must be one of the directories below templates/, "linux", or none',
    ],
    [
      'that is no name at all',
      { ...names('linux'), ...states('[linux]') },
      'images/base/image.yaml:4 template: found a list, must be the name of a directory below templates/, or none',
    ],
    [
      'whose directory has the name of none',
      names('none'),
      'templates/none: found the name "none", which means that an image takes no template',
    ],
    [
      'whose directory is no slug',
      names('My_Template'),
      'templates/My_Template: found the name "My_Template", must be lower-case letters, digits and single dashes, start with a letter and have at most 40 characters',
    ],
    [
      'that holds configuration, which nothing would read',
      { 'templates/linux/config/default.yaml': '' },
      'templates/linux/config/default.yaml: found configuration in a template, must be in config/ or in the image',
    ],
  ])('fails %s', (_what, changes, expected) => {
    expect(problemsWith(changes)).toEqual([expected]);
  });
});

describe('a layer file', () => {
  it.each([
    [
      'of an unknown stage, naming the nearest',
      'config/prd.yaml',
      'found a layer for "prd", must be default or a stage of factory.yaml, the nearest is "prod"',
    ],
    [
      'of an unknown stage of an image',
      'images/base/config/qa.yaml',
      'found a layer for "qa", must be default or a stage of factory.yaml, known are "dev", "prod"',
    ],
    [
      'in a directory below config',
      'config/dev/more.yaml',
      'found a layer for "dev/more", must be default or a stage of factory.yaml, known are "dev", "prod"',
    ],
    ['that ends in .yml', 'config/dev.yml', 'found a name that ends in .yml, must end in .yaml'],
  ])('fails %s', (_what, file, expected) => {
    expect(problemsWith({ [file]: 'instanceType: m7i.large\n' })).toEqual([`${file}: ${expected}`]);
  });
});
