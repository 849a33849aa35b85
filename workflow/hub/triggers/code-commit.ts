/** Which repository of CodeCommit a URL names; undefined for one that lives elsewhere. */
export function codeCommitRepository(url: string): { region: string | undefined; name: string } | undefined {
  const https = /^https:\/\/git-codecommit\.([a-z0-9-]+)\.amazonaws\.com\/v1\/repos\/([\w.-]+)$/.exec(url);
  const [, region, name] =
    https ?? /^codecommit(?:::([a-z0-9-]+))?:\/\/(?:[^@/]+@)?([\w.-]+)$/.exec(url) ?? [];
  return name === undefined ? undefined : { region, name };
}
