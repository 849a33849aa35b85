/** What a factory is: its stages and targets, and its images. */
import * as z from 'zod';
import type { Approval, Approvals } from '../contract/approvals.ts';
import { PARITIES, type Parity } from '../contract/comparison.ts';
import {
  DEFAULT_APPROVAL_HOURS,
  MOST_APPROVAL_HOURS,
  MOST_RETRY_WAIT_HOURS,
  MOST_SCHEDULES,
  MOST_STAGES,
  MOST_TARGETS,
  mostApprovalHours,
  mostRetryWaitHours,
  mostTargets,
} from '../contract/limits.ts';
import { targetName, type Target } from '../contract/targets.ts';
import { plain, walk, type ConfigNode, type MapNode } from './documents/nodes.ts';
import { nearest, problem, shown, throwIfAny, type Path, type Problem } from './documents/problems.ts';
import {
  type PackerDirectory,
  nameInRepository,
  packerDirectorySchema,
  placesOf,
} from './packer-directory.ts';
import { REPOSITORY_URL, refusalOfRepository } from './repository-url.ts';
import { secretProblems } from './documents/secrets.ts';
import { scheduleSchema, type Schedule } from './schedule.ts';
import { region, schemaProblems, snsTopicArn, strictMap, text, wholeNumber } from './documents/validation.ts';
import { readYaml } from './documents/yaml.ts';

/** Path relative to the factory directory (`config/dev.yaml`) to text; made by {@link factoryFiles}. */
export type FactoryFiles = ReadonlyMap<string, string>;

export interface Stage {
  readonly name: string;
  /** Whether somebody must approve before it is baked; default: nobody is asked. */
  readonly approval?: Approval & { readonly notify?: { readonly topicArn?: string } };
  readonly targets: readonly Target[];
}

export interface RetryWait {
  readonly waitHours: number;
}

export interface Image {
  readonly name: string;
  readonly description: string;
  /** `<major>.<minor>` */
  readonly version: string;
  readonly platform: 'linux' | 'windows';
  /** The directory below `templates/` that the image is laid over; undefined when it stands alone. */
  readonly template?: string;
  /** A directory of Packer's that was there before the factory; undefined for an image that holds its own. */
  readonly packer?: PackerDirectory;
  /** When it is rebuilt without a push; default: never. */
  readonly schedule?: Schedule;
}

export interface Factory {
  readonly repository: string;
  readonly defaultBranch: string;
  /** The branches whose pushes start a release, `*` for any characters; default: the default branch. */
  readonly pushBranches?: readonly string[];
  readonly hub: Target;
  /** What becomes of differences between the AMIs of one release; default: the record tells them. */
  readonly parity?: Parity;
  /** Whether a release that fails in a later stage waits for a retry before the others are undone; default: it does not. */
  readonly retry?: RetryWait;
  /** In the order in which a release goes through them. */
  readonly stages: readonly Stage[];
  /** By name. */
  readonly images: readonly Image[];
  /** Whether some layer has `deprecateAfterDays`: nobody else's stewards may deprecate AMIs. */
  readonly deprecatesAmis?: true;
}

export const FACTORY_FILE = 'factory.yaml';

/** What an image says that is laid over no template, although its platform has one. */
const STANDS_ALONE = 'none';

/**
 * Reads `factory.yaml` and every `image.yaml`, and checks that every other file is where it belongs.
 *  @throws InvalidConfiguration with everything that is wrong
 */
export function loadFactory(files: FactoryFiles): Factory {
  const { factory, problems } = readFactory(files);
  throwIfAny(problems);
  if (factory === undefined) throw new Error('a factory without problems has been read');
  return factory;
}

/** What can be read in spite of the problems; without `factory.yaml` there is no factory. */
export function readFactory(files: FactoryFiles): {
  factory: Factory | undefined;
  problems: readonly Problem[];
} {
  const stated = readFactoryFile(files);
  const templates = templateDirectories(files);
  const images = imageDirectories(files).map((name) => readImage(files, name, templates));
  const misplaced = [...files.keys()].flatMap((file) =>
    misplacedFile(
      file,
      stated.value?.stages.map(({ name }) => name),
    ),
  );
  return {
    factory:
      stated.value === undefined
        ? undefined
        : {
            ...stated.value,
            images: images.flatMap(({ value }) => (value === undefined ? [] : [value])),
            ...(statesInLayers(files, 'deprecateAfterDays') && { deprecatesAmis: true }),
          },
    problems: [
      ...stated.problems,
      ...templates.flatMap(templateNameProblems),
      ...images.flatMap(({ problems }) => problems),
      ...tooManySchedules(images.flatMap(({ value }) => value ?? [])),
      ...repeatedBuilds(images.flatMap(({ value }) => (value === undefined ? [] : [value]))),
      ...misplaced,
    ],
  };
}

/** Whether any layer has a value for a setting, for all targets or for some. Only a file that holds the word is read for it. */
function statesInLayers(files: FactoryFiles, setting: string): boolean {
  const states = (node: ConfigNode): boolean =>
    node.kind === 'map' &&
    [...node.entries].some(
      ([key, value]) =>
        (key === setting && plain(value) !== null) ||
        (['regions', 'accounts'].includes(key) &&
          value.kind === 'map' &&
          [...value.entries.values()].some(states)),
    );
  return [...files].some(([file, written]) => {
    if (!isLayer(file) || !written.includes(setting)) return false;
    const { node } = readYaml(file, written);
    return node !== undefined && states(node);
  });
}

/** Whether a path in the factory is a layer of the configuration. */
export const isLayer = (path: string): boolean => /^(images\/[^/]+\/)?config\/[^/]+\.yaml$/.test(path);

/** Whether a path in the factory is configuration's business; playbooks are YAML too. */
export const isConfiguration = (path: string): boolean =>
  /^(factory\.ya?ml|config\/.*\.ya?ml|images\/[^/]+\/(image\.ya?ml|config\/.*\.ya?ml))$/.test(path);

/** What the configuration reads of a factory, by the names of its files. Of a template it is enough that it is there. */
export const factoryFiles = (names: Iterable<string>, textOf: (name: string) => string): FactoryFiles =>
  new Map(
    [...names]
      .filter((name) => isConfiguration(name) || templateOf(name) !== null)
      .map((name) => [name, isConfiguration(name) ? textOf(name) : '']),
  );

/** The template that a file belongs to. */
export const templateOf = (path: string): string | null =>
  /^templates\/([^/]+)\/(.*[^/])$/.exec(path)?.[1] ?? null;

/** Names of the directories under `images/` that hold any file. */
export function imageDirectories(files: FactoryFiles): string[] {
  const names = [...files.keys()].flatMap((file) => /^images\/([^/]+)\/./.exec(file)?.[1] ?? []);
  return [...new Set(names)].sort();
}

/** Names of the directories under `templates/` that hold any file. */
export function templateDirectories(files: FactoryFiles): string[] {
  const names = [...files.keys()].flatMap((file) => templateOf(file) ?? []);
  return [...new Set(names)].sort();
}

// ---------------------------------------------------------------------------------------------- shapes

const SLUG = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const slugRule = (longest: number) =>
  `must be lower-case letters, digits and single dashes, start with a letter and have at most ${longest} characters`;
const LONGEST_IMAGE = 40;
const LONGEST_TEMPLATE = 40;
/** A state's name, like "Deregister prod AMIs", has at most 40 characters. */
const LONGEST_STAGE = 20;

const ACCOUNT = 'must be 12 digits';
const accountIdSetting = z
  .union([z.string(), z.number()], { error: ACCOUNT })
  .transform((found, context): string => {
    const digits = String(found);
    if (/^\d{12}$/.test(digits)) return digits;
    const lost = typeof found === 'number' && /^\d{1,11}$/.test(digits);
    const hint = lost ? ': write it in quotes, a number loses its leading zeros' : '';
    context.addIssue({ code: 'custom', message: `found ${shown(found)}, ${ACCOUNT}${hint}` });
    return z.NEVER;
  });

const target = strictMap(
  {
    accountId: accountIdSetting.meta({
      description: 'An AWS account, in quotes: a number would lose its leading zeros.',
      // For the JSON Schema, which sees no transformation.
      pattern: String.raw`^\d{12}$`,
      minimum: 100_000_000_000,
      maximum: 999_999_999_999,
    }),
    region: region.describe('An AWS region.'),
  },
  { must: 'must be a map of accountId and region' },
);

const BRANCHES = 'must be a list of branches, like [main, release/*]';

/**
 * What a rule of EventBridge holds of them: its pattern has 2,048 characters, 300 of which say whose branches they are. The webhook's
 * environment, which holds them too, has more room.
 *  @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
 */
const BRANCHES_CHARACTERS = 1_700;
/** Of `{"wildcard":""},` around each. */
const AROUND_BRANCH = 16;
const charactersOf = (branches: readonly string[]) =>
  branches.reduce((sum, branch) => sum + AROUND_BRANCH + branch.length, 0);

/** Descriptions and examples, here and below, become docs/settings.md. */
export const factorySchema = strictMap({
  repository: z
    .string({ error: REPOSITORY_URL })
    .superRefine((url, context) => {
      const message = refusalOfRepository(url);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({
      description:
        'Where the factory’s git repository lives. The hub [clones it](deploying.md#where-the-repository-lives), and every AMI carries it in its tag `packleader:repository`, as it is written.',
      examples: [
        'https://github.com/example/images',
        'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/images',
        'codecommit::eu-west-1://images',
      ],
    }),
  defaultBranch: text(/^(?![-/])[^\s~^:?*[\\]+$/, 'must be the name of a branch')
    .default('main')
    .meta({
      description:
        'The branch that releases come from. One from any other branch is a prerelease: baked in the first stage only, and never `latest`.',
      examples: ['main'],
    }),
  pushBranches: z
    .array(text(/^(?![-/])[^\s~^:?[\\]+$/, BRANCHES), { error: BRANCHES })
    .min(1, { error: BRANCHES })
    .refine((branches) => charactersOf(branches) <= BRANCHES_CHARACTERS, {
      error: ({ input }) =>
        `must be shorter, because no EventBridge rule holds ${Array.isArray(input) ? input.length : 'so many'} branches that are so long: let one * stand for many`,
    })
    .exactOptional()
    .meta({
      description:
        'The branches whose pushes start a release, once there is a trigger; `*` stands for any characters. Without it only the default branch does.',
      examples: [['main', 'release/*']],
    }),
  hub: target.meta({
    description: 'The account and region that hold the state machines.',
    examples: [{ accountId: '999999999999', region: 'eu-west-1' }],
  }),
  parity: z
    .enum(PARITIES, { error: `must be ${PARITIES.slice(0, -1).join(', ')} or ${PARITIES.at(-1)}` })
    .exactOptional()
    .meta({
      description:
        'Whether the AMIs of a release [are compared](releasing.md#the-same-everywhere) before they become one version. `report`, as without it: the record tells how they differ; `enforce`: a release whose AMIs differ is rolled back; `off`: nobody looks.',
      examples: ['enforce'],
    }),
  retry: strictMap(
    { waitHours: wholeNumber(1, MOST_RETRY_WAIT_HOURS).describe('For how many hours.') },
    { must: 'must be a map of waitHours' },
  )
    .exactOptional()
    .meta({
      description:
        'A release that fails in a later stage [waits](releasing.md#going-on-with-what-is-sound) so long for `packleader retry` before the stages before it are undone, and keeps their AMIs. Without it nothing waits.',
      examples: [{ waitHours: 4 }],
    }),
  stages: z
    .array(
      strictMap({
        name: text(SLUG, slugRule(LONGEST_STAGE))
          .max(LONGEST_STAGE, { error: slugRule(LONGEST_STAGE) })
          .refine((name) => name !== 'default', {
            error: 'must not be default: config/default.yaml holds for every stage',
          })
          .describe('Unique, and not `default`: it names the layers of the stage, `config/<stage>.yaml`.'),
        targets: z
          .array(target, { error: 'must be a list of targets' })
          .min(1, { error: 'must hold at least one target' })
          .describe(
            'Each an account and a region, once in the whole factory. All of a stage bake at the same time.',
          ),
        approval: strictMap(
          {
            timeoutHours: wholeNumber(1, MOST_APPROVAL_HOURS)
              .default(DEFAULT_APPROVAL_HOURS)
              .describe(
                `How long a release waits before it is rolled back; all stages together at most ${MOST_APPROVAL_HOURS} hours.`,
              ),
            fourEyes: z
              .boolean({ error: 'must be true or false' })
              .exactOptional()
              .describe('Whether whoever started a release may not approve it. Default: false.'),
            notify: strictMap(
              {
                topicArn: snsTopicArn
                  .exactOptional()
                  .describe(
                    'A topic of your own, in the hub’s account and region, in place of `packleader-approvals-<stage>`.',
                  ),
              },
              { must: 'must be a map of topicArn; {} for a topic that the hub makes' },
            )
              .exactOptional()
              .describe(
                '[Whoever approves is told](approving.md#to-be-asked), by a topic of the stage’s own. Default: only whom `notify` of `packleader.config` tells.',
              ),
          },
          { must: 'must be a map of timeoutHours, fourEyes and notify; {} for all as they are by default' },
        )
          .exactOptional()
          .describe(
            'Somebody must [approve](approving.md) each release before this stage is baked; not in the first stage. Without it nobody is asked.',
          ),
      }),
      { error: 'must be a list of stages' },
    )
    .min(1, { error: 'must hold at least one stage' })
    .max(MOST_STAGES, { error: `must hold at most ${MOST_STAGES} stages` })
    .meta({
      description: `In the order in which a release goes through them, at most ${MOST_STAGES}. All of them together have at most ${MOST_TARGETS.toLocaleString('en')} targets, and with more than four stages 40 fewer for each further one.`,
      examples: [
        [
          { name: 'dev', targets: [{ accountId: '111111111111', region: 'eu-west-1' }] },
          { name: 'prod', targets: [{ accountId: '222222222222', region: 'eu-west-1' }] },
        ],
        [
          { name: 'dev', targets: [{ accountId: '111111111111', region: 'eu-west-1' }] },
          {
            name: 'prod',
            approval: {
              timeoutHours: 24,
              fourEyes: true,
              notify: { topicArn: 'arn:aws:sns:eu-west-1:999999999999:approvers' },
            },
            targets: [{ accountId: '222222222222', region: 'eu-west-1' }],
          },
        ],
      ],
    }),
});

const VERSION = 'must be a string in quotes, like "1.4"';
export const imageSchema = strictMap({
  description: text(/\S/, 'must be a sentence about the image').meta({
    description: 'What the image is, for people.',
    examples: ['nginx and an application on linux-base'],
  }),
  version: z
    .string({
      error: ({ input }) =>
        typeof input === 'number' ? `${VERSION}: without them 1.10 silently becomes 1.1` : VERSION,
    })
    .regex(/^(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})$/, { error: 'must be "<major>.<minor>", like "1.4"' })
    .meta({
      description: '`<major>.<minor>`; each release appends its own time, as in `1.4.20261121093000`.',
      examples: ['1.4'],
    }),
  platform: z.enum(['linux', 'windows'], { error: 'must be linux or windows' }).meta({
    description: 'What kind of builder it takes: Linux is reached over SSH, Windows over WinRM.',
    examples: ['linux'],
  }),
  template: z
    .string({ error: 'must be the name of a directory below templates/, or none' })
    .exactOptional()
    .meta({
      description:
        'The template that the image is laid over, a directory below `templates/`; without it that of the platform, where there is one. `none`: the image holds all that Packer reads.',
      examples: ['linux'],
    }),
  packer: packerDirectorySchema.exactOptional().meta({
    description:
      'A directory of Packer’s that knows nothing of packleader, which the image is baked from as it is; `packleader adopt` writes it. Such an image takes no template.',
    examples: [
      {
        directory: '../../my-packer/web',
        only: ['amazon-ebs.web'],
        variables: { ami_id: 'source_ami' },
        varFiles: ['prod.pkrvars.hcl'],
      },
      {
        directory: '/my-packer/db',
        alongside: ['/my-packer/shared'],
        rootDeviceName: '/dev/sda1',
      },
    ],
  }),
  schedule: scheduleSchema.exactOptional().meta({
    description:
      'When the image is rebuilt without a push; without it never. Exactly one of `cron` and `rate`.',
    examples: [
      { cron: '0 4 ? * MON *', timeZone: 'Europe/Berlin', when: 'newer-source-ami' },
      { rate: '7 days' },
    ],
  }),
});

// ---------------------------------------------------------------------------------------------- reading

interface Read<Value> {
  readonly value: Value | undefined;
  readonly problems: readonly Problem[];
}

function readFile<Schema extends z.ZodType>(
  files: FactoryFiles,
  file: string,
  schema: Schema,
): Read<z.infer<Schema>> & { readonly node?: MapNode } {
  const { node, problems } = readYaml(file, files.get(file) ?? '');
  if (node === undefined) return { value: undefined, problems };
  const value = plain(node);
  const parsed = schema.safeParse(value);
  const locate = (path: Path) => {
    const found = walk(node, path);
    // What is missing has no line of its own; the map around it has.
    return { file, line: found.node.line, path };
  };
  const invalid = schemaProblems(parsed.error?.issues ?? [], {
    value,
    locate,
    missing: (must) => `found nothing, ${must}`,
  });
  // Where the schema has found a credential itself, it says what belongs there instead.
  const told = new Set(
    invalid.filter(({ message }) => message.startsWith('found a credential')).map((one) => one.path),
  );
  const secret = secretProblems(node).filter((one) => !told.has(one.path));
  return { value: parsed.data, problems: [...secret, ...invalid], node };
}

function readFactoryFile(files: FactoryFiles): Read<z.infer<typeof factorySchema>> {
  if (!files.has(FACTORY_FILE)) {
    const message = 'found no factory.yaml, must name the repository, the hub and the stages';
    return { value: undefined, problems: [problem(FACTORY_FILE, 0, [], message)] };
  }
  const { value, problems, node } = readFile(files, FACTORY_FILE, factorySchema);
  if (value === undefined || node === undefined) return { value, problems };
  const repeated = repeatedNames(value.stages, node);
  return {
    value,
    problems: [
      ...problems,
      ...repeated,
      ...repeatedTargets(value.stages, node),
      ...approvalProblems(value.stages, node),
      ...approverProblems(value, node),
      ...retryProblems(value, node),
    ],
  };
}

function approvalProblems(stages: readonly Stage[], node: MapNode): Problem[] {
  const at = (path: Path, message: string) => [
    problem(FACTORY_FILE, walk(node, path).node.line, path, message),
  ];
  const asking = stages.flatMap(({ approval }, index) => (approval ? [{ approval, index }] : []));
  const first = asking[0]?.index === 0;
  const most = mostApprovalHours(stages.length);
  const why = most < MOST_APPROVAL_HOURS ? `, because there are ${stages.length} stages` : '';
  const hours = asking.reduce((sum, { approval }) => sum + approval.timeoutHours, 0);
  return [
    ...(first
      ? at(
          ['stages', 0, 'approval'],
          'found an approval in the first stage, must be in a later one: before it nothing is built that could be approved',
        )
      : []),
    ...(hours > most
      ? at(
          ['stages', asking.at(-1)?.index ?? 0, 'approval', 'timeoutHours'],
          `found ${hours} hours in all stages together, must be at most ${most}${why}`,
        )
      : []),
  ];
}

/** A function of the hub publishes there. */
function approverProblems({ stages, hub }: z.infer<typeof factorySchema>, node: MapNode): Problem[] {
  return stages.flatMap(({ approval }, index) => {
    const { topicArn } = approval?.notify ?? {};
    const [, , , ofRegion, accountId] = topicArn?.split(':') ?? [];
    if (topicArn === undefined || (ofRegion === hub.region && accountId === hub.accountId)) return [];
    const path = ['stages', index, 'approval', 'notify', 'topicArn'];
    const must = `must be of the hub, ${targetName(hub)}`;
    return [
      problem(
        FACTORY_FILE,
        walk(node, path).node.line,
        path,
        `found a topic of ${accountId}/${ofRegion}, ${must}`,
      ),
    ];
  });
}

function retryProblems({ stages, retry }: z.infer<typeof factorySchema>, node: MapNode): Problem[] {
  if (!retry) return [];
  const at = (path: Path, message: string) => [
    problem(FACTORY_FILE, walk(node, path).node.line, path, message),
  ];
  const most = mostRetryWaitHours(stages.length);
  if (stages.length < 2)
    return at(
      ['retry'],
      'found a wait for a retry, must be left out: with one stage there is nothing to keep',
    );
  return retry.waitHours > most
    ? at(
        ['retry', 'waitHours'],
        `found ${retry.waitHours}, must be at most ${most}, because there are ${stages.length} stages`,
      )
    : [];
}

/** The stages that somebody must approve, as they are deployed. */
export const approvalsOf = ({ stages }: Pick<Factory, 'stages'>): Approvals =>
  Object.fromEntries(
    stages.flatMap(({ name, approval }) => {
      if (!approval) return [];
      const { notify: _, ...asked } = approval;
      return [[name, asked]];
    }),
  );

/** The stages whose approvers are told, each with its topic where that is not the hub's. */
export const approversOf = ({
  stages,
}: Pick<Factory, 'stages'>): Readonly<Record<string, { readonly topicArn?: string }>> =>
  Object.fromEntries(
    stages.flatMap(({ name, approval }) => (approval?.notify ? [[name, approval.notify]] : [])),
  );

const repeatedNames = (stages: readonly Stage[], node: MapNode): Problem[] =>
  stages.flatMap(({ name }, at) => {
    if (stages.findIndex((stage) => stage.name === name) === at) return [];
    const path = ['stages', at, 'name'];
    return [
      problem(FACTORY_FILE, walk(node, path).node.line, path, `found ${shown(name)} twice, must be unique`),
    ];
  });

function repeatedTargets(stages: readonly Stage[], node: MapNode): Problem[] {
  const problems: Problem[] = [];
  const lines = new Map<string, number>();
  for (const [at, { targets }] of stages.entries()) {
    for (const [index, one] of targets.entries()) {
      const path = ['stages', at, 'targets', index];
      const line = walk(node, path).node.line;
      const name = targetName(one);
      const first = lines.get(name);
      if (first !== undefined) {
        const message = `found ${name} twice (first on line ${first}), must be a target once: an AMI’s name and the parameters of an image are unique in an account and region`;
        problems.push(problem(FACTORY_FILE, line, path, message));
      } else {
        lines.set(name, line);
      }
    }
  }
  const count = stages.reduce((sum, { targets }) => sum + targets.length, 0);
  const most = mostTargets(stages.length);
  if (count > most) {
    const why = most < MOST_TARGETS ? `, because there are ${stages.length} stages` : '';
    const message = `found ${count} targets in all stages, must be at most ${most}${why}`;
    problems.push(problem(FACTORY_FILE, walk(node, ['stages']).node.line, ['stages'], message));
  }
  return problems;
}

function tooManySchedules(images: readonly Image[]): Problem[] {
  const scheduled = images.filter(({ schedule }) => schedule !== undefined);
  const first = scheduled[MOST_SCHEDULES];
  if (first === undefined) return [];
  const message = `found a schedule in ${scheduled.length} images, must be in at most ${MOST_SCHEDULES}, because the hub's stack holds no more: leave it out, and start the release of several images from one schedule of your own`;
  return [problem(`images/${first.name}/image.yaml`, 0, ['schedule'], message)];
}

function readImage(files: FactoryFiles, name: string, templates: readonly string[]): Read<Image> {
  const directory = `images/${name}`;
  const file = `${directory}/image.yaml`;
  const named =
    SLUG.test(name) && name.length <= LONGEST_IMAGE
      ? []
      : [problem(directory, 0, [], `found the name ${shown(name)}, ${slugRule(LONGEST_IMAGE)}`)];
  if (!files.has(file)) {
    const message = 'found no image.yaml, must hold description, version and platform of the image';
    return { value: undefined, problems: [...named, problem(file, 0, [], message)] };
  }
  const { value, problems, node } = readFile(files, file, imageSchema);
  if (value === undefined || node === undefined)
    return { value: undefined, problems: [...named, ...problems] };
  const { template: stated, ...image } = value;
  const both = adoptingProblems(name, value, node);
  // Without a word of its own an image takes what its platform has; a factory whose images hold everything has nothing.
  const usual = templates.includes(value.platform) && !value.packer ? value.platform : STANDS_ALONE;
  const template = stated ?? usual;
  const unknown =
    template === STANDS_ALONE || templates.includes(template)
      ? []
      : [
          problem(
            file,
            walk(node, ['template']).node.line,
            ['template'],
            unknownTemplate(template, templates),
          ),
        ];
  return {
    value:
      named.length + unknown.length + both.length > 0
        ? undefined
        : { name, ...image, ...(template !== STANDS_ALONE && { template }) },
    problems: [...named, ...problems, ...unknown, ...both],
  };
}

/** An image that takes a directory as it is has no other template. */
function adoptingProblems(
  name: string,
  { packer, template }: z.infer<typeof imageSchema>,
  node: MapNode,
): Problem[] {
  if (!packer) return [];
  const file = `images/${name}/image.yaml`;
  const at = (path: Path, message: string) => problem(file, walk(node, path).node.line, path, message);
  const paths = [packer.directory, ...packer.alongside];
  const lost = paths.length - placesOf(name, packer).length;
  return [
    ...(template === undefined || template === STANDS_ALONE
      ? []
      : [
          at(
            ['template'],
            `found ${shown(template)} beside packer.directory, must be absent: a directory is baked as it is`,
          ),
        ]),
    ...(lost === 0
      ? []
      : [
          at(
            ['packer'],
            'found a path that leads out of the factory, must be written from the root of the repository, like /my-packer/web',
          ),
        ]),
  ];
}

/** Images of one build are two names of one thing: each would be released for the other's change. */
function repeatedBuilds(images: readonly Image[]): Problem[] {
  const taken = new Map<string, string>();
  return images.flatMap(({ name, packer }) => {
    if (!packer) return [];
    const [place = ''] = placesOf(name, packer);
    const build = `${place} ${packer.only?.[0] ?? ''}`;
    const first = taken.get(build);
    taken.set(build, first ?? name);
    if (first === undefined) return [];
    const what = packer.only === undefined ? '' : `${packer.only[0]} of `;
    return [
      problem(
        `images/${name}/image.yaml`,
        0,
        ['packer'],
        `found ${what}${nameInRepository(place)}, which images/${first} takes already: two images of one directory need a build each, named by only`,
      ),
    ];
  });
}

function unknownTemplate(found: string, templates: readonly string[]): string {
  const listed = templates.map(shown).join(', ');
  return templates.length === 0
    ? `found ${shown(found)}, must be none: there is no directory below templates/`
    : `found ${shown(found)}, must be one of the directories below templates/, ${listed}, or none`;
}

function templateNameProblems(name: string): Problem[] {
  const place = `templates/${name}`;
  if (name === STANDS_ALONE)
    return [problem(place, 0, [], 'found the name "none", which means that an image takes no template')];
  return SLUG.test(name) && name.length <= LONGEST_TEMPLATE
    ? []
    : [problem(place, 0, [], `found the name ${shown(name)}, ${slugRule(LONGEST_TEMPLATE)}`)];
}

/** Files that look like a part of the factory but would never be read. */
function misplacedFile(file: string, stages: readonly string[] | undefined): Problem[] {
  if (/^templates\/[^/]+\/(image\.ya?ml|config\/.*\.ya?ml)$/.test(file))
    return [problem(file, 0, [], 'found configuration in a template, must be in config/ or in the image')];
  if (/^factory\.yml$|^images\/[^/]+\/image\.yml$|^(images\/[^/]+\/)?config\/.*\.yml$/.test(file)) {
    return [problem(file, 0, [], 'found a name that ends in .yml, must end in .yaml')];
  }
  const layer = /^(?:images\/[^/]+\/)?config\/(.+)\.yaml$/.exec(file)?.[1];
  if (layer === undefined || layer === 'default' || stages === undefined || stages.includes(layer)) return [];
  const message = `found a layer for ${shown(layer)}, must be default or a stage of factory.yaml, ${nearest(layer, stages)}`;
  return [problem(file, 0, [], message)];
}

/** Every account that has a target, once. */
export function accountsOf(factory: Factory): string[] {
  return [...new Set(factory.stages.flatMap(({ targets }) => targets.map(({ accountId }) => accountId)))];
}
