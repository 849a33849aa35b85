/** What git itself allows; anything else never came from a repository. @see https://git-scm.com/docs/git-check-ref-format */
export function isBranchName(name: string): boolean {
  if (name.length === 0 || Buffer.byteLength(name) > 255) return false;
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  if (/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(name)) return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

/** Whether a branch is one of those; `*` stands for any characters, also slashes. */
export function isOneOf(branches: readonly string[], branch: string): boolean {
  return branches.some((allowed) => {
    const pattern = allowed.split('*').map((text) => RegExp.escape(text));
    return new RegExp(`^${pattern.join('.*')}$`, 's').test(branch);
  });
}
