/** A workflow that checks every change and releases what is merged, with short-lived credentials and no secret. */
import type { NewFile } from './changes.ts';

export const CI_KINDS = ['github', 'gitlab', 'none'] as const;
export type CiKind = (typeof CI_KINDS)[number];

/** The one that the repository's host has. */
export function ciOf(repository: string): CiKind {
  const host = URL.parse(repository)?.hostname ?? '';
  if (/(^|\.)github\./.test(host)) return 'github';
  return /(^|\.)gitlab\./.test(host) ? 'gitlab' : 'none';
}

interface Pipeline {
  readonly repository: string;
  readonly defaultBranch: string;
  /** Of the hub. */
  readonly region: string;
}

export function ciFiles(kind: CiKind, pipeline: Pipeline): NewFile[] {
  if (kind === 'none') return [];
  return kind === 'github'
    ? [{ path: '.github/workflows/packleader.yml', content: github(pipeline) }]
    : [{ path: '.gitlab-ci.yml', content: gitlab(pipeline) }];
}

const github = ({
  defaultBranch,
  region,
}: Pipeline): string => `# Checks every change, and releases what is merged.
name: packleader

on:
  pull_request:
  push:
    branches: [${JSON.stringify(defaultBranch)}]

permissions:
  contents: read

jobs:
  validate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-node@v6
        with: { node-version: 24, cache: npm }
      - run: npm ci
      - run: npx packleader validate
      - run: npx packleader rehearse

  # Waits for the hub: once it is deployed, set the variable PACKLEADER_ROLE_ARN to a role of the hub's account that GitHub's OIDC
  # provider may take for this repository and branch, and that may start releases. Its longest session must be four hours.
  release:
    needs: validate
    if: github.event_name == 'push' && vars.PACKLEADER_ROLE_ARN != ''
    runs-on: ubuntu-latest
    permissions:
      contents: read
      id-token: write
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-node@v6
        with: { node-version: 24, cache: npm }
      - run: npm ci
      - uses: aws-actions/configure-aws-credentials@v6
        with:
          role-to-assume: \${{ vars.PACKLEADER_ROLE_ARN }}
          role-duration-seconds: 14400
          aws-region: ${region}
      - run: npx packleader release --ref "$GITHUB_SHA" --key "$GITHUB_RUN_ID" --wait --timeout 230
`;

const gitlab = ({
  repository,
  region,
}: Pipeline): string => `# Checks every change, and releases what is merged.
stages: [validate, release]

default:
  image: node:24
  before_script:
    - npm ci

validate:
  stage: validate
  rules:
    - if: $CI_PIPELINE_SOURCE == 'merge_request_event'
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
  script:
    - npx packleader validate
    - npx packleader rehearse

# Waits for the hub: once it is deployed, set the variable AWS_ROLE_ARN to a role of the hub's account that GitLab's OIDC provider may
# take for this project and branch, and that may start releases.
release:
  stage: release
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $AWS_ROLE_ARN
  timeout: 4 hours
  id_tokens:
    AWS_TOKEN:
      aud: ${new URL(repository).origin}
  variables:
    AWS_REGION: ${region}
    AWS_WEB_IDENTITY_TOKEN_FILE: /tmp/aws-token
  script:
    - printf '%s' "$AWS_TOKEN" > "$AWS_WEB_IDENTITY_TOKEN_FILE"
    - npx packleader release --ref "$CI_COMMIT_SHA" --key "$CI_PIPELINE_ID" --wait --timeout 230
`;
