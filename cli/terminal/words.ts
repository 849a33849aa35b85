/** How numbers, times and blocks are written. */
export const count = (number: number, one: string, more = `${one}s`): string =>
  `${number.toLocaleString('en')} ${number === 1 ? one : more}`;

export const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;

export const indented = (text: string): string =>
  text
    .split(/\r\n?|\n/)
    .map((line) => `    ${line}\n`)
    .join('');
