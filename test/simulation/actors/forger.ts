/** Writes into the streams what nobody should: outcomes that are too early, of others, or no outcomes at all. */
import { encodeOutcomes } from "../../../internal/contract/outcomes.ts";
import type { ArtifactPiece, Handed, ProducedArtifact } from "../../../internal/core/artifact.ts";
import type { AttemptId } from "../../../internal/core/attempt.ts";
import type { Fact, Outcomes } from "../../../internal/core/facts.ts";
import type { Outcome } from "../../../internal/core/outcome.ts";
import type { RunFold } from "../../../internal/core/run-fold.ts";
import { randomArtifacts } from "../../support/random-data.ts";
import type { SeededRandom } from "../../support/random.ts";
import type { Surroundings } from "./program.ts";

const FORGER = "forger";
/** Everybody's: whoever takes pieces by the name of their set alone takes those of others. */
const SETS = ["forged", "false"];
const MOST_AT_A_TIME = 6;

export function isForged(fact: Fact): boolean {
  return fact.kind === "outcomes" && fact.incarnation === FORGER;
}

interface Forgery {
  readonly runSeq: number;
  readonly item: Outcome;
}

type Forge = (genuine: Forgery, run: RunFold) => Forgery;

/** It counts: who was first in the log is right. */
const genuine: Forge = (forgery) => forgery;

/** Changes what would be an outcome that counts. */
const FORGERIES: readonly Forge[] = [
  ({ runSeq, item }) => ({ runSeq: runSeq + 1, item }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, attempt: item.attempt + 1 } }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, attempt: Math.max(0, item.attempt - 1) } }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, index: item.index + 1 } }),
  ({ runSeq, item }) => ({ runSeq, item: { ...item, index: Math.max(0, item.index - 1) } }),
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

  /** Some forged messages about an instance of a run that goes on. */
  forge(): void {
    const { world, truth, server } = this.#surroundings;
    const { random } = world;
    const runs = [...truth.runs.values()].map(({ fold }) => fold).filter(({ end }) => end === undefined);
    if (runs.length === 0) return;
    const run = random.pick(runs);
    const owed = run.owed();
    if (owed.length === 0) return;
    const { instance } = random.pick(owed);
    for (let left = 1 + random.below(MOST_AT_A_TIME); left > 0; left--) {
      // Some of them may have brought it to its next attempt.
      const attempt = run.instances.attempt(instance);
      const fact = this.#outcomes(run, run.idOf({ instance, attempt }));
      const bytes = random.chance(0.2) ? garbage(random) : encodeOutcomes(fact);
      world.note(`forged ${JSON.stringify(fact)}`);
      server.runs.publish(server.names.fact(run, fact), bytes);
    }
  }

  #outcomes(run: RunFold, { task, index, attempt }: AttemptId): Outcomes {
    const { random } = this.#surroundings.world;
    const of = { task, index, attempt };
    const base = { ...of, durationMs: 1, worker: FORGER };
    const artifacts = this.#artifacts();
    const item: Outcome = random.chance(0.6)
      ? { ...base, state: "completed", artifacts: handed(random, artifacts) }
      : { ...base, state: "failed", error: { reason: random.pick(REASONS), message: "forged" } };
    const forge = random.chance(0.5) ? genuine : random.pick(FORGERIES);
    const forged = forge({ runSeq: run.seq, item }, run);
    const isTold = random.chance(0.7);
    return {
      kind: "outcomes",
      queue: "forged",
      incarnation: FORGER,
      n: ++this.#count,
      runSeq: forged.runSeq,
      // Some of what an attempt hands over, and no more of it; or what an outcome says is there.
      items: random.chance(0.3) ? [] : [forged.item],
      ...(isTold ? { pieces: piecesOf({ ...of, set: random.pick(SETS) }, artifacts) } : {}),
    };
  }

  /** Records: it has no files. */
  #artifacts(): ProducedArtifact[] {
    const { world, settings } = this.#surroundings;
    const prefix = `${FORGER}~${this.#count}`;
    const all = randomArtifacts(world.random, { prefix, limit: settings.fanOutLimit });
    return all.map(({ size = null, ...artifact }) => ({ ...artifact, size, name: "", mimeType: null }));
  }
}

const REASONS = ["network", "network", "cancelled", "lost", "released"] as const;

/** Named are the first pieces, or more than were ever told. */
function handed(random: SeededRandom, inline: readonly ProducedArtifact[]): Handed {
  if (random.chance(0.5)) return { inline };
  return { set: random.pick(SETS), pieces: random.pick([0, 1, 2, 2, 1_000_000_000_000]) };
}

type PieceOf = Omit<ArtifactPiece, "piece" | "artifacts">;

function piecesOf(of: PieceOf, artifacts: readonly ProducedArtifact[]): ArtifactPiece[] {
  return [
    { ...of, piece: 1, artifacts: artifacts.slice(1) },
    { ...of, piece: 0, artifacts: artifacts.slice(0, 1) },
  ];
}

/** Either no message at all, or one whose outcome has the wrong shape. */
function garbage(random: SeededRandom): Uint8Array {
  const text = random.pick([
    ...["", "{", "[]", '{"v":1,"run_seq":1,"items":[{}]}', '{"v":2}'],
    '{"v":1,"run_seq":1,"items":[],"pieces":[{}]}',
  ]);
  return new TextEncoder().encode(text);
}
