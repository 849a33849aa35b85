/**
 * `github.com/example/images`, whichever way the URL is written; undefined for something that is no URL of a repository.
 * Hosts and providers do not tell upper from lower case.
 */
export function repositoryName(url: string): string | undefined {
  const [, scpHost, scpPath] = /^[\w.-]+@([\w.-]+):(?!\/\/)(.+)$/.exec(url) ?? [];
  const parsed = scpHost === undefined ? URL.parse(url) : { hostname: scpHost, pathname: scpPath ?? '' };
  const path = parsed?.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  if (!parsed?.hostname || !path) return undefined;
  return `${parsed.hostname}/${path}`.toLowerCase();
}
