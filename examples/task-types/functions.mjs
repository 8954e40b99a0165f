import { defineFunction, NonRetryable, SkipTask } from "jetdag/functions";
import { z } from "zod";

/** An export that is a function is one under its own name. */
export function count({ text }) {
  return { words: text.split(" ").length };
}

/** A description says what it takes and gives, and what it may use. */
export const price = defineFunction({
  name: "price",
  params: z.object({ count__words: z.number(), rate: z.coerce.number().positive().default(2) }),
  result: z.object({ total: z.number() }),
  memoryMb: 64,
  async handler({ count__words: words, rate }, { signal, deadline, identity, log, progress }) {
    if (words === 0) throw new SkipTask("there are no words to pay for");
    if (words > 1_000) throw new NonRetryable("nobody pays for so many words");
    progress(0.5, "looking up the rate");
    log(`${identity.idempotencyKey} has ${Math.round((deadline - Date.now()) / 1_000)} s left`);
    signal.throwIfAborted();
    return { total: words * rate };
  },
});
