import {
  DeleteParameterCommand,
  GetParameterCommand,
  PutParameterCommand,
  type SSMClient,
  paginateGetParametersByPath,
} from '@aws-sdk/client-ssm';
import { hasCode } from '../aws/errors.ts';
import { VERSION_PATTERN } from '../configuration/settings.ts';
import { compareVersions, isPrerelease } from '../configuration/version.ts';
import { parameters } from '../contract/names.ts';

/** Every published version of an image in one target, with its AMI. */
export async function publishedVersions(ssm: SSMClient, image: string): Promise<Map<string, string>> {
  const prefix = `${parameters.versions(image)}/`;
  const pages = await Array.fromAsync(
    paginateGetParametersByPath({ client: ssm }, { Path: parameters.versions(image), Recursive: false }),
  );
  return new Map(
    pages
      .flatMap((page) => page.Parameters ?? [])
      .map(({ Name = '', Value = '' }) => [Name.slice(prefix.length), Value]),
  );
}

/** The versions that came from the default branch, newest first. */
export function versionsByAge(versions: readonly string[]): string[] {
  const comparable = versions.filter((version) => VERSION_PATTERN.test(version) && !isPrerelease(version));
  return comparable.toSorted(compareVersions).toReversed();
}

/** A parameter's value, or undefined when there is none. */
export async function readParameter(ssm: SSMClient, name: string): Promise<string | undefined> {
  return (await readStored(ssm, name))?.value;
}

/** A parameter's value with the number that SSM counts its values by, or undefined when there is none. */
export async function readStored(
  ssm: SSMClient,
  name: string,
): Promise<{ value: string | undefined; number: number } | undefined> {
  try {
    const { Parameter } = await ssm.send(new GetParameterCommand({ Name: name }));
    return { value: Parameter?.Value, number: Parameter?.Version ?? 0 };
  } catch (error) {
    if (hasCode(error, 'ParameterNotFound')) return undefined;
    throw error;
  }
}

/**
 * Points a parameter at an AMI; returns the number that this value has. SSM answers before it validates, so the value may
 * never be stored, or after that of somebody else: read it back.
 *  @see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
 */
export async function writeParameter(ssm: SSMClient, name: string, imageId: string): Promise<number> {
  const { Version = 0 } = await ssm.send(
    new PutParameterCommand({
      Name: name,
      Value: imageId,
      Type: 'String',
      DataType: 'aws:ec2:image',
      Overwrite: true,
    }),
  );
  return Version;
}

/** Deletes a parameter; one that is absent already is a success. */
export async function deleteParameter(ssm: SSMClient, name: string): Promise<void> {
  try {
    await ssm.send(new DeleteParameterCommand({ Name: name }));
  } catch (error) {
    if (!hasCode(error, 'ParameterNotFound')) throw error;
  }
}
