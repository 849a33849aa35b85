import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { generatedFiles, withSections } from '../../docs/generate.ts';
import { diagramOf, stepTable } from '../../docs/state-machines.ts';
import { stateGraphSchema } from '../../sandbox/engine/asl.ts';

test('what the documentation says about the state machines is what would be deployed', async () => {
  for (const [path, text] of await generatedFiles()) {
    const written = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
    expect(written, `${path} is out of date: run npm run docs`).toBe(text);
  }
});

test('every file that the step tables name exists', async () => {
  const files = await generatedFiles();
  const named = [...files.values()].flatMap(
    (text) => text.match(/(?<=`)(tasks|buildspecs)\/[\w-]+\.\w+(?=` +\|)/g) ?? [],
  );
  expect(new Set(named).size).toBeGreaterThan(10);
  for (const path of named) readFileSync(new URL(`../../${path}`, import.meta.url));
});

describe('a marked section', () => {
  const page = 'before\n<!-- generated: picture -->\nold\n<!-- end -->\nafter\n';

  test('is replaced, and nothing around it', () => {
    const text = withSections(page, new Map([['picture', 'new']]));
    expect(text).toBe('before\n<!-- generated: picture -->\n\nnew\n\n<!-- end -->\nafter\n');
  });

  test('fails when nothing generates it', () => {
    expect(() => withSections(page, new Map())).toThrow('Nothing generates the section "picture".');
  });

  test('fails when the page has no place for it', () => {
    expect(() => withSections('', new Map([['picture', 'new']]))).toThrow(
      'There is no place for the section "picture".',
    );
  });
});

describe('a state machine', () => {
  const machine = {
    name: 'example',
    graph: stateGraphSchema.parse({
      StartAt: 'Bake',
      States: {
        Bake: {
          Type: 'Map',
          Comment: 'Bakes.',
          ItemProcessor: {
            StartAt: 'Build',
            States: {
              Build: {
                Type: 'Task',
                Resource: 'arn:aws:states:::codebuild:startBuild.sync',
                Parameters: { ProjectName: 'packleader-bake' },
                End: true,
              },
            },
          },
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Undo' }],
          Next: 'Good?',
        },
        'Good?': { Type: 'Choice', Choices: [{ Next: 'Done' }], Default: 'Failed' },
        Done: { Type: 'Succeed' },
        Undo: {
          Type: 'Task',
          Resource: 'arn:aws:lambda:eu-west-1:1:function:packleader-undo-it',
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Failed' }],
          Next: 'Failed',
        },
        Failed: { Type: 'Fail' },
      },
    }),
  };

  test('is drawn with dotted arrows for failures, and an undo with one arrow', () => {
    expect(diagramOf(machine, { maps: false })).toBe(`\`\`\`mermaid
flowchart TD
  s0[["Bake"]]
  s2{"Good?"}
  s3(["Done"])
  s4["Undo"]
  s5(["Failed"])
  s0 --> s2
  s0 -.-> s4
  s2 -->|yes| s3
  s2 -->|no| s5
  s4 --> s5
  classDef good stroke:#2e7d32,stroke-width:2px
  class s3 good
  classDef bad stroke:#c62828,stroke-width:2px
  class s5 bad
  classDef undo stroke:#ef6c00,stroke-width:2px
  class s4 undo
\`\`\``);
  });

  test('is drawn with a Map as a box around what it does with each item', () => {
    expect(diagramOf(machine)).toContain('  subgraph s0["Bake (for each)"]\n    s1["Build"]\n  end\n');
  });

  test('is listed with the file behind each state and what follows its failure', () => {
    expect(stepTable(machine)).toBe(`| State | What it is for | Done by | Undo, when it fails |
| --- | --- | --- | --- |
| Bake | Bakes. |  | Undo |
| ↳ Build |  | \`buildspecs/bake.yml\` | none; the execution fails |
| Good? |  |  |  |
| Done |  |  |  |
| Undo |  | \`tasks/undo-it.ts\` | an undo itself; then Failed, even when it gives up |
| Failed |  |  |  |`);
  });

  test('is listed with what a Map does with each item as the work of the Map, when only the top is asked for', () => {
    expect(stepTable(machine, { maps: false })).toContain(
      '| Bake | Bakes. | `buildspecs/bake.yml` | Undo |\n| Good? ',
    );
  });
});
