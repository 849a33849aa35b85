// What comes from outside, as text that a terminal, a log, a mail or a chat shows as it is: what AWS and Packer say, what scripts
// print, the names of branches and files.

/**
 * Colours, links, titles and moves of the cursor, whole.
 *  @see https://ecma-international.org/publications-and-standards/standards/ecma-48/
 */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  /(?:\u001B\[|\u009B)[0-?]*[ -/]*[@-~]|(?:\u001B[PX\]^_]|[\u0090\u0098\u009D-\u009F])\P{Cc}*(?:\u0007|\u001B\\|\u009C)|\u001B[ -/]*[0-~]/gu;

/** Controls but for the end of a line and the tab, characters without a width, and those that turn the direction of a text. */
const UNSEEN = /(?![\n\t])[\p{Cc}\u061C\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu;

/**
 * The text without any sequence that a terminal obeys. What else nobody would see is written as JSON would.
 * @param {string} text
 * @returns {string}
 */
export function plainText(text) {
  return visible(text.replaceAll(SEQUENCES, '').replaceAll(/\r\n?/g, '\n'));
}

/**
 * The text with all that nobody would see written as JSON writes it, `\u202e`: JSON itself stays the same document.
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  return text.replaceAll(UNSEEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
