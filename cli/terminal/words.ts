/** How numbers, times and blocks are written. */
export const count = (number: number, one: string, more = `${one}s`): string =>
  `${number.toLocaleString('en')} ${number === 1 ? one : more}`;

export const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;

/** Seconds where minutes would say too little. */
export const duration = (ms: number): string => (ms < 90_000 ? `${Math.round(ms / 1_000)} s` : minutes(ms));

export const indented = (text: string): string =>
  text
    .split(/\r\n?|\n/)
    .map((line) => `    ${line}\n`)
    .join('');
