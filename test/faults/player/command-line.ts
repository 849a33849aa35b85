/** What the command lines of the fault suites have in common. */

export const say = (line: string): undefined => void process.stdout.write(`${line}\n`);

/** @throws Error for anything but a whole number above 0 */
export function wholeNumber(option: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${option} is "${text}"; it must be a whole number above 0.`);
}

export const secondsSince = (startedAt: number): number => (performance.now() - startedAt) / 1000;
