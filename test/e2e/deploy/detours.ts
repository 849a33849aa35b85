/** What moto does not do, or does otherwise than AWS, and the smallest detour around it: told in the output of every run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

const OF_THE_SUITE = [
  'moto’s Lambda runs functions in containers: here the deployed zip runs in a process that speaks Lambda’s runtime interface.',
  'moto’s CodeBuild runs nothing: here the deployed buildspec runs in bash, with real Packer and the session of the project’s role.',
  'moto checks no permission: here a gate judges every call of what was deployed, and does not judge whoever deploys.',
  'moto’s Scheduler and its rules with a schedule are never due: here the test fires them, with the input and the role that were deployed.',
  'moto serves no function URL: here a request is made the event that Lambda makes of it, where the policy of the function admits everybody.',
  'moto has no organisation: here a StackSet has named accounts.',
];

/** @param directory where moto was started */
export function detours(directory: string): string[] {
  const told = readFileSync(join(directory, 'seed.detours.json'), 'utf8');
  return [...z.array(z.string()).parse(JSON.parse(told)), ...OF_THE_SUITE];
}
