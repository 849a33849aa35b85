/** Files of which git keeps something else: a filter puts the file in its place, with a program or a key that no build has. */

const starts = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .subarray(0, text.length)
    .toString('latin1') === text;

/** @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export const isLfsPointer = (bytes: Uint8Array): boolean =>
  bytes.length < 1024 && starts(bytes, 'version https://git-lfs.github.com/spec/');

export const isGitCrypt = (bytes: Uint8Array): boolean => starts(bytes, '\0GITCRYPT\0');

export const isStoredElsewhere = (bytes: Uint8Array): boolean => isLfsPointer(bytes) || isGitCrypt(bytes);
