/** Copies of two runs with one id: the log was put back to before the run was submitted, and it was submitted again. */
import { expect, test } from "vitest";
import type { Judgement } from "../../internal/worker/own-judgement.ts";
import { Suspects } from "../../internal/worker/suspects.ts";
import type { Delivery } from "../../internal/ports/task-queue.ts";
import { work } from "../conformance/samples.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("what was said of a copy of the one is not taken for the other's", async () => {
  const clock = new ManualClock();
  const done: string[] = [];
  const asked: { of: readonly Delivery[]; answer(judgement: Judgement): void }[] = [];
  const suspects = new Suspects({
    clock,
    queue: { extend: () => undefined },
    link: { isUp: () => true },
    observer: { observe: () => undefined },
    judge: (of) =>
      new Promise((resolve) => {
        asked.push({ of, answer: (judgement) => resolve(new Map(of.map((copy) => [copy, judgement]))) });
      }),
    onCleared: ({ receipt }) => void done.push(`${receipt} runs`),
    onLost: () => undefined,
    onRoom: () => undefined,
    onError: () => undefined,
  });
  const copyOf = (runSeq: number): Delivery => {
    const receipt = `copy of ${runSeq}`;
    const is = (what: string) => (): void => void done.push(`${receipt} ${what}`);
    const settle = { ack: is("acked"), giveBack: is("given back") };
    return { work: work("a", { runSeq }), isSuspect: true, losses: 0, receipt, ...settle };
  };
  const [gone, present] = [copyOf(16), copyOf(19)];
  suspects.add(gone);
  await clock.advance(0);
  suspects.add(present);
  await clock.advance(0);
  asked[0]?.answer("over");
  for (let turn = 0; turn < 3; turn++) await clock.advance(0);
  expect(done).toEqual(["copy of 16 acked"]);
  expect(asked.map(({ of }) => of)).toEqual([[gone], [present]]);
  asked[1]?.answer("run");
  await clock.advance(0);
  expect(done).toEqual(["copy of 16 acked", "copy of 19 runs"]);
});
