/** Whether a branch is one of those; `*` stands for any characters, also slashes. */
export function isOneOf(branches: readonly string[], branch: string): boolean {
  return branches.some((allowed) => {
    const pattern = allowed.split('*').map((text) => RegExp.escape(text));
    return new RegExp(`^${pattern.join('.*')}$`, 's').test(branch);
  });
}
