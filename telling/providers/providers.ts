import type { StatusProviderName } from '../../core/contract/telling.ts';
import { bitbucket } from './bitbucket.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import type { StatusProvider } from './provider.ts';

export const PROVIDERS: Readonly<Record<StatusProviderName, StatusProvider>> = { github, gitlab, bitbucket };
