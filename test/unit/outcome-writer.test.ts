import { describe, expect, test } from "vitest";
import { encodeFact } from "../../internal/contract/facts.ts";
import type { Work } from "../../internal/core/attempt.ts";
import { type Fact, MAX_OUTCOMES_BYTES } from "../../internal/core/facts.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { systemClock } from "../../internal/memory/system.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { OutcomeWriter } from "../../internal/worker/outcome-writer.ts";
import { WORK } from "../conformance/samples.ts";

/** A log that takes no fact above a number of bytes, and what a writer does with it. */
function setUp(maxBytes: number): {
  writer: OutcomeWriter;
  stored: { readonly items: readonly Outcome[] }[];
  /** Of everything that was to be written, taken or not. */
  sizes: number[];
  acked: string[];
  errors: string[];
  add(task: string, more?: Partial<Outcome>): void;
} {
  const stored: { items: readonly Outcome[] }[] = [];
  const sizes: number[] = [];
  const acked: string[] = [];
  const errors: string[] = [];
  const append: RunLog["append"] = async (_run, fact: Fact) => {
    const bytes = encodeFact(fact).length;
    sizes.push(bytes);
    if (fact.kind !== "outcomes" || bytes > maxBytes) throw new Error(`above ${maxBytes} bytes`);
    return { stored: true, seq: stored.push({ items: fact.items }) };
  };
  const writer = new OutcomeWriter({
    log: { append } as unknown as RunLog,
    clock: systemClock,
    incarnation: "w-1",
    onError: ({ task }: Work) => void errors.push(task),
    onStored: () => undefined,
  });
  const add = (task: string, more: Partial<Outcome> = {}): void => {
    const delivery = { work: { ...WORK, task }, ack: () => void acked.push(task) } as unknown as Delivery;
    const base = { task, index: 0, attempt: 1, durationMs: 1 };
    writer.add(delivery, { ...base, state: "completed", ...more } as Outcome);
  };
  return { writer, stored, sizes, acked, errors, add };
}

describe("what the log does not take", () => {
  test("of several only the one that is too large is replaced, by a failure that says why", async () => {
    const { writer, stored, acked, errors, add } = setUp(2_000);
    for (const task of ["a", "b", "c", "d"]) add(task);
    add("large", { output: { inline: { text: "x".repeat(3_000) } } });
    for (const task of ["e", "f", "g"]) add(task);
    await writer.idle();
    expect(acked.toSorted()).toEqual(["a", "b", "c", "d", "e", "f", "g", "large"]);
    expect(errors).toEqual([]);
    const items = stored.flatMap((fact) => fact.items);
    expect(items.filter(({ state }) => state === "failed")).toEqual([
      {
        task: "large",
        index: 0,
        attempt: 1,
        durationMs: 1,
        state: "failed",
        error: { reason: "worker-error", message: "the outcome could not be stored: above 2000 bytes" },
      },
    ]);
    expect(items).toHaveLength(8);
    expect(stored.length).toBeLessThan(8);
  });

  test("a failure keeps its reason", async () => {
    const { writer, stored, add } = setUp(1_000);
    add("a", { state: "failed", error: { reason: "released", message: "x".repeat(2_000) } });
    await writer.idle();
    expect(stored[0]?.items).toMatchObject([{ state: "failed", error: { reason: "released" } }]);
  });

  test("when nothing is taken, the task is not acknowledged", async () => {
    const { writer, stored, acked, errors, add } = setUp(0);
    for (const task of ["a", "b", "c"]) add(task);
    await writer.idle();
    expect({ stored, acked, errors: errors.toSorted() }).toEqual({
      stored: [],
      acked: [],
      errors: ["a", "b", "c"],
    });
  });

  test("an append that throws at once harms no other", async () => {
    const { writer, acked, errors, add } = setUp(1_000_000);
    add("a");
    add("odd", { output: { inline: { odd: 1n } } } as unknown as Partial<Outcome>);
    add("b");
    await writer.idle();
    expect({ acked: acked.toSorted(), errors }).toEqual({ acked: ["a", "b", "odd"], errors: [] });
  });
});

test("facts are measured in bytes", async () => {
  const { writer, sizes, add } = setUp(10 * MAX_OUTCOMES_BYTES);
  for (let i = 0; i < 12; i++) {
    add(`escaped-${i}`, { output: { inline: { text: "\u0001".repeat(10_000) } } });
    add(`wide-${i}`, { output: { inline: { text: "中".repeat(20_000) } } });
  }
  await writer.idle();
  expect(sizes.length).toBeGreaterThan(1);
  expect(Math.max(...sizes)).toBeLessThan(MAX_OUTCOMES_BYTES + 1_000);
});
