/** Checks that build on each other, one after the other. */

/** Of what is wrong. */
const LINES_SHOWN = 30;
const COLUMNS_SHOWN = 600;

export const say = (line: string): undefined => void process.stdout.write(`${line}\n`);
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

export class Suite {
  readonly #startedAt = performance.now();
  #passed = 0;
  #failed = 0;

  get failed(): number {
    return this.#failed;
  }

  /** Says whether something is wrong, and goes on all the same: `run` returns what it is, or throws it. */
  async check(name: string, run: () => Promise<readonly string[]>): Promise<void> {
    const startedAt = performance.now();
    let problems: readonly string[];
    try {
      problems = await run();
    } catch (error) {
      problems = [error instanceof Error ? (error.stack ?? error.message) : String(error)];
    }
    if (problems.length === 0) {
      this.#passed++;
      say(`ok      ${name} (${seconds(startedAt)})`);
      return;
    }
    this.#failed++;
    say(`FAILED  ${name} (${seconds(startedAt)})`);
    const lines = problems.flatMap((problem) => problem.split('\n'));
    for (const line of lines.slice(0, LINES_SHOWN)) say(`          ${line.slice(0, COLUMNS_SHOWN)}`);
    if (lines.length > LINES_SHOWN) say(`          and ${lines.length - LINES_SHOWN} more lines`);
  }

  /** Closes with the counts, and returns whether all is well. */
  end(): boolean {
    say(`${this.#passed} passed, ${this.#failed} failed (${seconds(this.#startedAt)})`);
    return this.#failed === 0 && this.#passed > 0;
  }
}
