import { describe, expect, test } from 'vitest';
import { readTemplate } from '../../../core/templates/template.ts';

const read = async (files: Readonly<Record<string, string>>) => readTemplate(new Map(Object.entries(files)));

describe('what a template declares', () => {
  test('is its variables, whatever stands in strings, comments and heredocs', async () => {
    const { variables, problems } = await read({
      'a.pkr.hcl': `
# variable "in_a_comment" {}
/* variable "in_another" {} */
variable "plain" {
  type = string
}
variable "open" {
  default = "variable \\"in_a_string\\" {} \${upper("}")}"
}
variable "secret" {
  sensitive = true
  default   = <<-EOT
    variable "in_a_heredoc" {}
  EOT
}
variables {
  one = 1
  two = { variable = "x" }
}
`,
      'b.pkr.json': '{ "variable": { "json": { "default": 1, "sensitive": true } } }',
    });
    expect(problems).toEqual([]);
    const told = variables.map(({ default: byDefault, ...rest }) => ({
      ...rest,
      hasDefault: byDefault !== undefined,
    }));
    expect(told).toEqual([
      { name: 'plain', file: 'a.pkr.hcl', line: 4, hasDefault: false, sensitive: false },
      { name: 'open', file: 'a.pkr.hcl', line: 7, hasDefault: true, sensitive: false },
      { name: 'secret', file: 'a.pkr.hcl', line: 10, hasDefault: true, sensitive: true },
      { name: 'json', file: 'b.pkr.json', line: 1, hasDefault: true, sensitive: true },
      { name: 'one', file: 'a.pkr.hcl', line: 17, hasDefault: true, sensitive: false },
      { name: 'two', file: 'a.pkr.hcl', line: 18, hasDefault: true, sensitive: false },
    ]);
  });

  test('is read as far as it is HCL, and told where it is not', async () => {
    const { variables, problems } = await read({
      'a.pkr.hcl': 'variable "good" {}\nsource "amazon-ebs" "x" {\n  region = \n}\n',
      'b.pkr.json': '{',
    });
    expect(variables.map(({ name }) => name)).toEqual(['good']);
    expect(problems.map(({ file }) => file)).toEqual(['a.pkr.hcl', 'b.pkr.json']);
    expect(problems[1]?.message).toMatch(/^is no JSON: /);
  });
});
