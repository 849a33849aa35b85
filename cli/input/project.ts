import {
  type DeploymentSettings,
  loadDeploymentSettings,
} from '../../core/configuration/deployment-settings.ts';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest directory that holds package.json: this one, or one above; undefined when none does. */
export function projectOf(directory: string): string | undefined {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const above = dirname(directory);
  return above === directory ? undefined : projectOf(above);
}

/** What `packleader.config` of the project of a factory says, beside the nearest package.json; nothing where there is none. */
export function deploymentOfProject(directory: string): DeploymentSettings {
  const project = projectOf(directory);
  return project === undefined ? {} : loadDeploymentSettings(project);
}
