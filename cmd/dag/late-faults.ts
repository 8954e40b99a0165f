/** Errors of functions that nobody can catch: thrown in a timer, or in a promise that was let go. */
export class LateFaults {
  #any = false;

  /** Each is told, and the run goes on to its end. From then on the process does not end by them. */
  constructor(say: (text: string) => void) {
    process.on("uncaughtException", (error: unknown) => {
      this.#any = true;
      const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
      say(`an error was thrown outside of any task's call; the run goes on. ${what}`);
    });
  }

  /** Whether there was one. */
  get any(): boolean {
    return this.#any;
  }
}
