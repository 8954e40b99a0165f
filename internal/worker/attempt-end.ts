/** What is to be done once an attempt is over. One that was abandoned goes on by itself, and may still ask for something. */
export class AttemptEnd {
  #acts: (() => void)[] | undefined;
  #isReached = false;

  add(act: () => void): void {
    if (this.#isReached) act();
    else (this.#acts ??= []).push(act);
  }

  reached(): void {
    this.#isReached = true;
    for (const act of this.#acts ?? []) act();
    this.#acts = undefined;
  }
}
