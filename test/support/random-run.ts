/** Facts of a run by chance, held against its plain model one by one. */
import { deepEqual, equal } from "node:assert/strict";
import type { Change } from "../../internal/core/change.ts";
import type { ArtifactPiece, Handed, ProducedArtifact } from "../../internal/core/artifact.ts";
import type { Fact } from "../../internal/core/facts.ts";
import type { Dag } from "../../internal/core/model.ts";
import { FAILURES, type FailureReason, type Outcome } from "../../internal/core/outcome.ts";
import { dag, randomDag } from "./dags.ts";
import { RUN_SEQ, START, TestRun } from "./facts.ts";
import { type RandomArtifact, randomArtifacts, withData } from "./random-data.ts";
import type { SeededRandom } from "./random.ts";
import { differenceOf } from "./run-difference.ts";
import { RunModel } from "./run-model.ts";

const REASONS = Object.keys(FAILURES) as FailureReason[];
const WRITER = { queue: "q", incarnation: "w" } as const;
const MAX_GENERATIONS = 4;

interface Attempt {
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
}

export class RandomRun {
  readonly run: TestRun;
  readonly model: RunModel;
  /** What has happened to instances, and to the run. */
  readonly seen = new Set<string>();
  readonly #random: SeededRandom;
  readonly #limit: number;
  /** Attempts that there were. */
  readonly #known: Attempt[] = [];
  #serial = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#limit = random.pick([2, 4, 10]);
    const lossCap = random.below(3);
    const all = dagWithData(random);
    this.run = new TestRun(all, { fanOutLimit: this.#limit, lossCap });
    this.model = new RunModel({ dag: all, limit: this.#limit, lossCap, seq: RUN_SEQ, time: START });
    this.#compare();
  }

  /** To its last end. */
  play(): void {
    for (let generations = 0; ; generations++) {
      // Each fact ends an attempt at least, and each has so many.
      for (let facts = 0; this.run.fold.end === undefined; facts++) {
        equal(facts < 10_000, true, "the run does not end");
        this.#step();
      }
      while (this.#random.chance(0.4)) this.#outcomes();
      if (generations === MAX_GENERATIONS || this.run.fold.end === "completed") break;
      this.#add({ kind: "retry", gen: this.run.fold.gen + 1, tasks: this.#some() });
    }
    const { gen, end: state = "completed" } = this.run.fold;
    this.#add({ kind: "retired", gen: gen + 1, state, durationMs: 0 });
    this.#outcomes();
  }

  #step(): void {
    const { gen } = this.run.fold;
    const what = this.#random.next();
    if (what > 0.1) this.#outcomes();
    else if (what > 0.07) this.#add({ kind: "retry", gen: gen + 1, tasks: [] });
    else if (what > 0.04) this.#add({ kind: "cancel", gen: gen + 1, message: "", cause: "request" });
    else this.#add({ kind: "cancel", gen, message: "", ...this.#random.pick(CANCELS) });
  }

  /** Of attempts that go on, that have ended, and that never were. */
  #outcomes(): void {
    const random = this.#random;
    const owed = this.model.owed();
    this.#known.push(...owed);
    const pieces: ArtifactPiece[] = [];
    const items = Array.from({ length: 1 + random.below(4) }, () => {
      const chosen = random.pick(owed.length > 0 && random.chance(0.9) ? owed : [...this.#known, NOBODY]);
      const attempt = random.chance(0.9) ? chosen : { ...chosen, ...random.pick(CHANGES)(chosen) };
      return this.#outcome(attempt, pieces);
    });
    const runSeq = random.chance(0.02) ? RUN_SEQ + 1 : RUN_SEQ;
    this.#add({ kind: "outcomes", runSeq, items, pieces, ...WRITER, n: ++this.#serial });
  }

  #outcome(of: Attempt, pieces: ArtifactPiece[]): Outcome {
    const random = this.#random;
    const base = { ...of, durationMs: 1 };
    const kind = random.next();
    if (kind < 0.05) return { ...base, state: "skipped", message: "" };
    if (kind < 0.7) return { ...base, state: "completed", artifacts: this.#handed(of, pieces) };
    const again = random.chance(0.3) ? { againAfterMs: random.below(50) } : {};
    const last = random.chance(0.1) ? ({ isFinal: true } as const) : {};
    const until = random.chance(0.5) ? { giveUpAfterMs: random.below(50) } : {};
    const error = { reason: random.pick(REASONS), message: "", ...again, ...last, ...until };
    return { ...base, state: "failed", error };
  }

  #handed(of: Attempt, pieces: ArtifactPiece[]): Handed {
    const random = this.#random;
    const prefix = `${of.task}.${of.index}.${++this.#serial}`;
    const all = randomArtifacts(random, { prefix, limit: this.#limit }).map(produced);
    if (random.chance(0.7)) return { inline: all };
    const half = Math.ceil(all.length / 2);
    const set = random.pick(["s", "t"]);
    const told = [all.slice(0, half), all.slice(half)].map((artifacts, piece) => ({
      ...of,
      set,
      piece,
      artifacts,
    }));
    // Some in a wrong order, some twice, some never.
    if (random.chance(0.3)) told.reverse();
    pieces.push(...told.filter(() => random.chance(0.95)));
    return { set, pieces: random.chance(0.95) ? 2 : 4_000_000_000 };
  }

  /** Tasks that a retry is for; none for all. */
  #some(): string[] {
    return this.#random.chance(0.6)
      ? []
      : this.run.dag.tasks.map(({ id }) => id).filter(() => this.#random.chance(0.4));
  }

  #add(fact: Fact): void {
    const change = this.run.add(fact, this.#random.below(60));
    const logged = this.run.facts.at(-1);
    const accepted = logged === undefined ? [] : this.model.apply(logged);
    deepEqual(change.accepted, accepted);
    this.#compare();
    this.#checkDue(change);
    for (const task of this.run.dag.tasks) {
      const position = this.run.fold.graph.position(task.id) ?? -1;
      this.seen.add(this.run.fold.stateOf(position));
      if (this.run.fold.whyNotLaunched(position) !== undefined) this.seen.add("limit");
    }
    this.seen.add(`run ${this.run.fold.end}`).add(`generation ${this.run.fold.gen}`);
  }

  #compare(): void {
    equal(differenceOf(this.run.fold, this.model), undefined);
  }

  #checkDue({ owed }: Change): void {
    const { fold } = this.run;
    for (const { instance, attempt, dueAt } of owed) {
      const task = this.model.instance(fold.idOf({ instance, attempt }));
      const { due: [from, to] = [Infinity, 0] } = (task && this.model.attemptOf(task)) ?? {};
      equal(from <= dueAt && dueAt <= to, true, `due at ${dueAt}, not from ${from} to ${to}`);
    }
  }
}

function dagWithData(random: SeededRandom): Dag {
  const { tasks, ...more } = randomDag(random, 1 + random.below(8));
  return dag(
    tasks.map((task) => withData(random, task)),
    more,
  );
}

function produced({ size, metadata, ...artifact }: RandomArtifact): ProducedArtifact {
  return { ...artifact, name: "", size: size ?? null, mimeType: null, metadata };
}

const NOBODY: Attempt = { task: "nobody", index: 0, attempt: 1 };

/** To an attempt that is not it. */
const CHANGES: readonly ((of: Attempt) => Partial<Attempt>)[] = [
  ({ attempt }) => ({ attempt: attempt + 1 }),
  ({ attempt }) => ({ attempt: attempt - 1 }),
  ({ index }) => ({ index: index + 1 }),
  () => ({ index: 1_000_000 }),
  () => ({ task: "t0" }),
];

const CANCELS = [
  { cause: "request" },
  { cause: "time-limit" },
  { cause: "abort", state: "crashed" },
] as const;
