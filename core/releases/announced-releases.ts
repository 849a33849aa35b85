import { keys } from '../contract/keys.ts';
import { listKeys } from './plan-store.ts';

/** The ids of the releases that were announced, of one image or of all: each left a record. A prerelease leaves none. */
export async function announcedReleases(bucket: string, image?: string): Promise<Set<string>> {
  const found = await listKeys(bucket, keys.releasedOf(image));
  return new Set(
    found.flatMap((key) => {
      const [, name = '', version = ''] = RECORD.exec(key) ?? [];
      return version === '' ? [] : [`${name}@${version}`];
    }),
  );
}

const RECORD = new RegExp(`^${keys.released('([^/]+)', '([^/]+)').replace('.json', '\\.json')}$`);
