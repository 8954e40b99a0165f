/** What is to be done once an attempt is over. One that was abandoned goes on by itself, and may still ask for something. */
export class AttemptEnd {
  #acts: (() => void)[] | undefined;
  #isReached = false;

  add(act: () => void): void {
    if (this.#isReached) perform(act);
    else (this.#acts ??= []).push(act);
  }

  reached(): void {
    this.#isReached = true;
    for (const act of this.#acts ?? []) perform(act);
    this.#acts = undefined;
  }
}

/** The attempt has ended as it has, whatever comes of this. */
function perform(act: () => void): void {
  try {
    act();
  } catch {
    // It is of who wrote the task executor.
  }
}
