import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openHcl } from '../../core/templates/hcl.ts';

const EXAMPLES = new URL('../../docs/examples/consuming/', import.meta.url);
const page = readFileSync(new URL('../../docs/consuming.md', import.meta.url), 'utf8');

test('the page leads to every example of consuming', () => {
  for (const name of readdirSync(EXAMPLES)) expect(page).toContain(`(examples/consuming/${name})`);
});

test('the Terraform is HCL, and every reference in it leads to something that it declares', async () => {
  const parse = await openHcl();
  const files = [
    ['main.tf', readFileSync(new URL('main.tf', EXAMPLES), 'utf8')],
    ['the page', /```hcl\n([^]*?)```/.exec(page)?.[1] ?? ''],
  ] as const;
  for (const [name, text] of files) {
    const { blocks, problems } = parse(name, text);
    expect(problems, name).toEqual([]);
    expect(blocks.length, name).toBeGreaterThan(1);
    const declared = new Set(
      blocks.flatMap(({ type, labels }) => {
        if (type === 'variable') return [`var.${labels[0]}`];
        if (type === 'data') return [`data.${labels.join('.')}`];
        return type === 'resource' ? [labels.join('.')] : [];
      }),
    );
    const used = [...text.matchAll(/(?<![\w.-])(?:var\.\w+|(?:data\.)?aws_\w+\.\w+)/g)].map(([one]) => one);
    expect(used.length, name).toBeGreaterThan(0);
    expect(
      used.filter((one) => !declared.has(one)),
      name,
    ).toEqual([]);
  }
});
