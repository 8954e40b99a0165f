/** Writes into the streams what nobody should: outcomes that are too early, of others, or no outcomes at all. */
import { encodeOutcomes } from "../../../internal/contract/outcomes.ts";
import type { Fact, Outcomes } from "../../../internal/core/facts.ts";
import type { Outcome } from "../../../internal/core/outcome.ts";
import type { RunFold } from "../../../internal/core/run-fold.ts";
import type { SeededRandom } from "../../support/random.ts";
import type { Surroundings } from "./program.ts";

const FORGER = "forger";

export function isForged(fact: Fact): boolean {
  return fact.kind === "outcomes" && fact.incarnation === FORGER;
}

interface Forgery {
  readonly runSeq: number;
  readonly item: Outcome;
}

type Forge = (genuine: Forgery, run: RunFold) => Forgery;

/** Changes what would be an outcome that counts. */
const FORGERIES: readonly Forge[] = [
  // It counts: who was first in the log is right.
  (forgery) => forgery,
  ({ runSeq, item }) => ({ runSeq: runSeq + 1, item }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, attempt: item.attempt + 1 } }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, attempt: Math.max(0, item.attempt - 1) } }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, index: 1 } }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, task: "nobody's" } }),
  // Of a task that waits, or is over.
  ({ runSeq, item }, run) => ({
    runSeq,
    item: { ...item, task: run.task(run.graph.size - 1).id, attempt: 1 },
  }),
];

export class Forger {
  readonly #surroundings: Surroundings;
  #count = 0;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** One forged message about a run that goes on. */
  forge(): void {
    const { world, truth, server } = this.#surroundings;
    const { random } = world;
    const runs = [...truth.runs.values()].map(({ fold }) => fold).filter(({ end }) => end === undefined);
    if (runs.length === 0) return;
    const run = random.pick(runs);
    const [owed] = run.owed();
    if (owed === undefined) return;
    const fact = this.#outcomes(random, run, { task: run.taskOf(owed.instance).id, attempt: owed.attempt });
    const bytes = random.chance(0.2) ? garbage(random) : encodeOutcomes(fact);
    world.note(`forged ${JSON.stringify(fact.items)}`);
    server.runs.publish(server.names.fact(run, fact), bytes);
  }

  #outcomes(
    random: SeededRandom,
    run: RunFold,
    { task, attempt }: { readonly task: string; readonly attempt: number },
  ): Outcomes {
    const base = { task, index: 0, attempt, durationMs: 1, worker: FORGER };
    const item: Outcome = random.chance(0.5)
      ? { ...base, state: "completed" }
      : { ...base, state: "failed", error: { reason: "network", message: "forged" } };
    const forged = random.pick(FORGERIES)({ runSeq: run.seq, item }, run);
    const n = ++this.#count;
    return {
      kind: "outcomes",
      queue: "forged",
      incarnation: FORGER,
      n,
      runSeq: forged.runSeq,
      items: [forged.item],
    };
  }
}

/** Either no message at all, or one whose outcome has the wrong shape. */
function garbage(random: SeededRandom): Uint8Array {
  const text = random.pick(["", "{", "[]", '{"v":1,"run_seq":1,"items":[{}]}', '{"v":2}']);
  return new TextEncoder().encode(text);
}
