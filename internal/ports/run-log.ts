/**
 * The run log: the ordered, append-only facts of all runs.
 *
 * Promises that every implementation keeps (test/conformance holds them to it):
 * L1 The log's order is one for all readers; `seq` rises, with gaps.
 * L2 First write wins: `submitted` of a run, `cancel` and `finished` of a generation, and an `outcomes`
 *    message of one writer's number exist at most once. A second write is refused, and refused means it is there.
 * L3 `append` settles only when the answer is known: it retries through time-outs and reconnects.
 * L4 A follower sees every fact once, in order, across reconnects.
 * L5 Nothing goes from the log but what is removed.
 */
import type { Fact, LoggedFact } from "../core/facts.ts";
import type { WriteOptions } from "./storing.ts";

/** Names a run in the log. The partition is `partitionOf(tenant, dag)`. */
export interface RunKey {
  readonly runId: string;
  readonly partition: number;
}

/** Where it is not `unwanted`, a fact that was not stored is there already. */
export type Appended =
  { readonly stored: true; readonly seq: number } | { readonly stored: false; readonly unwanted?: true };

export interface AppendOptions extends WriteOptions {
  /** Asked before each try: where it says no, the fact is not stored, unless a try before was and its answer is lost. */
  readonly isWanted?: () => boolean;
}

export interface RunLog {
  /**
   * Stores a fact of a run, or learns that it is already there. Rejects only when the log is closed, the fact is above
   * the server's message limit, or its time is over (`NotStored`).
   */
  append(run: RunKey, fact: Fact, options?: AppendOptions): Promise<Appended>;
  /** The facts at these positions, in the order asked; a position without a fact that can be read is left out. */
  read(seqs: readonly number[]): Promise<LoggedFact[]>;
  /** All facts that the log holds of one run, in order; none if the run is unknown. */
  factsOf(runId: string): Promise<LoggedFact[]>;
  /** The partition of a run; `undefined` if the run is unknown. */
  partitionOf(runId: string): Promise<number | undefined>;
  /** The facts by which runs begin and end (`submitted`, `retry`, `finished`, `retired`), of all runs, at the positions `from` to `to`, in order. */
  milestones(from: number, to: number): Promise<LoggedFact[]>;
  /** The first `limit` of the facts that announce the ends of runs (`finished`), from position `from` on, in order. */
  ends(from: number, limit: number): Promise<LoggedFact[]>;
  /** Where all that the log holds of one run stands, in order; also what cannot be read. */
  positionsOf(runId: string): Promise<number[]>;
  /** Removes what stands at these positions for good; the same facts may then be stored again. What is gone already is no error. */
  remove(seqs: readonly number[]): Promise<void>;
  /** Where the log ends. Rejects with `NotStored` when it is not known in time. */
  end(patience?: { readonly withinMs: number }): Promise<LogEnd>;
  /** Hands over the facts from position `from` on (1 is the first), those of all runs, of one, or of some partitions, as they come. */
  follow(options: FollowOptions, onFact: (fact: LoggedFact) => void): Promise<Follower>;
}

export interface LogEnd {
  /** Position of the newest fact; 0 when the log is empty. */
  readonly seq: number;
  /** The server's time just now, in milliseconds since 1970. */
  readonly time: number;
  /** How many facts it holds. */
  readonly facts: number;
  /** How much is taken of its room, or of that for values that are stored apart, whichever is fuller: 0 to 1; 0 where nobody has set a limit. */
  readonly fill: number;
}

export interface FollowOptions {
  readonly from: number;
  readonly runId?: string;
  readonly partitions?: readonly number[];
  /** The log has lost its end, as after a restore: it is handed over again from the beginning. */
  readonly onRewound?: () => void;
}

export interface Follower {
  /** Resolves once everything up to this position was handed over, or put aside as unreadable. */
  reached(seq: number): Promise<void>;
  /** Ends the hand-over; after it resolves nothing more is handed over. */
  stop(): Promise<void>;
}
