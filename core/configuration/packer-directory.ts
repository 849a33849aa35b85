/** A directory of Packer's that was there before the factory, as an image takes it. */
import * as z from 'zod';
import { posix } from 'node:path';
import { OUTSIDE } from '../../buildspecs/outside.mjs';
import { strictMap, text } from './documents/validation.ts';
import { TOLD_VARIABLES } from './settings.ts';

const PLACE =
  'must be a path from the image’s own directory, like ../../my-packer/web, or from the root of the repository, like /my-packer/web';
const IN_FACTORY = String.raw`\.\.(\/\.\.)*\/[\w@+-][\w.@+-]*(\/[\w@+-][\w.@+-]*)*`;
const IN_REPOSITORY = String.raw`(\/[\w@+-][\w.@+-]*)+`;
const placeSetting = text(new RegExp(`^(${IN_FACTORY}|${IN_REPOSITORY})/?$`), PLACE);

const ONE = 'must be a list of one build, as Packer names it, like [amazon-ebs.web]';

export const packerDirectorySchema = strictMap({
  directory: placeSetting.describe(
    'The directory that Packer runs in: from the image’s own directory when it lies in the factory’s, else from the root of the repository, with a `/` in front.',
  ),
  only: z
    .array(text(/^[\w.-]+$/, ONE), { error: ONE })
    .length(1, { error: ONE })
    .exactOptional()
    .describe(
      'Which of its builds is the image, as Packer’s `-only` has it; it may be absent where there is one.',
    ),
  variables: z
    .record(
      text(/^[A-Za-z_][\w-]*$/, 'must be the name of a variable'),
      z.enum(TOLD_VARIABLES, { error: `must be one of ${TOLD_VARIABLES.join(', ')}` }),
      { error: 'must be a map of the template’s variables to what packleader tells' },
    )
    .default({})
    .describe('Variables of the template, and what packleader tells each of them: `ami_id: source_ami`.'),
  varFiles: z
    .array(
      text(
        /^(?!\/)[\w.@+/-]+\.(hcl|json)$/,
        'must be a path from the directory of Packer, like prod.pkrvars.hcl',
      ),
      {
        error: 'must be a list of files',
      },
    )
    .default([])
    .describe('Files of variables that Packer is given, by their paths from `directory`.'),
  alongside: z
    .array(placeSetting, { error: 'must be a list of paths' })
    .default([])
    .describe(
      'What else the template reads, outside of `directory`: a change there is a change of the image, and outside of the factory only what is named is packed.',
    ),
  rootDeviceName: text(/^\/dev\/[a-z0-9]+$/, 'must look like /dev/xvda')
    .exactOptional()
    .describe(
      'The root device of the source AMI, where the template says nothing of its volumes: it is encrypted by this name.',
    ),
});
export type PackerDirectory = z.infer<typeof packerDirectorySchema>;

/** Where a path of `image.yaml` is in the source; undefined when it leads out of the factory. */
export function placeInSource(image: string, path: string): string | undefined {
  if (path.startsWith('/')) return `${OUTSIDE}${posix.normalize(path).replace(/\/$/, '')}`;
  const place = posix.join('images', image, path).replace(/\/$/, '');
  return place === '.' || place.startsWith('..') ? undefined : place;
}

/** A file of the source, as a person knows it. */
export const nameInRepository = (file: string): string =>
  file.startsWith(`${OUTSIDE}/`) ? file.slice(OUTSIDE.length) : file;

/** Everything of the source that an image takes besides its own files. */
export const placesOf = (
  image: string,
  { directory, alongside }: Pick<PackerDirectory, 'directory' | 'alongside'>,
): string[] => [directory, ...alongside].flatMap((path) => placeInSource(image, path) ?? []);

export const isBelow = (file: string, place: string): boolean =>
  file === place || file.startsWith(`${place}/`);
