/** An error as Step Functions sees it: its name is `Error`, its message `Cause`. */
export class StatesError extends Error {
  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}
