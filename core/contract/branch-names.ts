/**
 * Whether git itself takes it for the name of a branch, and so also of a tag or a commit.
 *  @see https://git-scm.com/docs/git-check-ref-format
 */
export function isBranchName(name: string): boolean {
  if (name.length === 0 || Buffer.byteLength(name) > 255) return false;
  // oxlint-disable-next-line no-control-regex -- they are what must not be there
  if (/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(name)) return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}
