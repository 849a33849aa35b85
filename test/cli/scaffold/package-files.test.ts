import { describe, expect, it } from 'vitest';
import { schemaComment } from '../../../cli/scaffold/package-files.ts';

/** Where `packer/factory.yaml` of this project looks for its schema when the package is installed there. */
const schemaFrom = (project: string, installed: string) =>
  /\$schema=(\S+)/.exec(schemaComment(project, 'packer/factory.yaml', 'factory', installed))?.[1];

describe('the schema of a YAML file', () => {
  it.each([
    [
      'beside the project',
      '/images',
      '/images/node_modules/packleader',
      '../node_modules/packleader/schemas/factory.json',
    ],
    [
      'above it, in a workspace',
      '/mono/images',
      '/mono/node_modules/packleader',
      '../../node_modules/packleader/schemas/factory.json',
    ],
    [
      'somewhere else, by npx or a link',
      '/images',
      '/cache/node_modules/packleader',
      '../node_modules/packleader/schemas/factory.json',
    ],
    ['nowhere: it is the project', '/packleader', '/packleader', '../schemas/factory.json'],
  ])('is found where the package is installed %s', (_where, project, installed, path) => {
    expect(schemaFrom(project, installed)).toBe(path);
  });
});
