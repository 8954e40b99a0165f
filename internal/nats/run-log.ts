/** The run log on a stream; the promises are in ports/run-log.ts. */
import { decodeFact, encodeFact } from "../contract/facts.ts";
import { readFactSubject, readPartition } from "../contract/subjects.ts";
import type { Fact, LoggedFact } from "../core/facts.ts";
import type {
  Appended,
  AppendOptions,
  Follower,
  FollowOptions,
  LogEnd,
  RunKey,
  RunLog,
} from "../ports/run-log.ts";
import { isDenied } from "./answers.ts";
import { coalesced } from "./coalesced.ts";
import type { Context } from "./context.ts";
import { FactCache } from "./fact-cache.ts";
import { type FollowStreamOptions, readStream } from "./follower.ts";
import { Followers } from "./followers.ts";
import { inTime, patiently } from "./patience.ts";
import { positionsIn, removeAll } from "./removal.ts";
import { getFromLeader, getMessage, type StreamMessage } from "./stored-message.ts";

/** Recent outputs are asked for soon after they were written. */
const CACHE_BYTES = 2 * 1_024 * 1_024;
const READS_AT_A_TIME = 256;

export class NatsRunLog implements RunLog {
  readonly #context: Context;
  readonly #cache = new FactCache(CACHE_BYTES);
  readonly #followers = new Followers();

  constructor(context: Context) {
    this.#context = context;
  }

  async append(run: RunKey, fact: Fact, options?: AppendOptions): Promise<Appended> {
    const { publisher, names } = this.#context;
    return publisher.publish(names.fact(run, fact), encodeFact(fact), options);
  }

  async read(seqs: readonly number[]): Promise<LoggedFact[]> {
    const facts: LoggedFact[] = [];
    for (let from = 0; from < seqs.length; from += READS_AT_A_TIME) {
      const part = seqs.slice(from, from + READS_AT_A_TIME);
      const found = await Promise.all(part.map(async (seq) => this.#cache.get(seq) ?? this.#fetch(seq)));
      for (const fact of found) if (fact !== undefined) facts.push(fact);
    }
    return facts;
  }

  async factsOf(runId: string): Promise<LoggedFact[]> {
    const { names } = this.#context;
    const facts: LoggedFact[] = [];
    const collect = (fact: LoggedFact): void => void facts.push(fact);
    await readStream(this.#options({ from: 1, filter: names.factsOf(runId) }, collect));
    return facts;
  }

  async partitionOf(runId: string): Promise<number | undefined> {
    const { jsm, names } = this.#context;
    const submitted = await getFromLeader(jsm, names.runsStream, { last_by_subj: names.submissionOf(runId) });
    return submitted === undefined ? undefined : readFactSubject(submitted.subject)?.partition;
  }

  async milestones(from: number, to: number): Promise<LoggedFact[]> {
    const facts: LoggedFact[] = [];
    const collect = (fact: LoggedFact): void => void facts.push(fact);
    // A consumer for each: one with several filters needs a newer server.
    const { milestones } = this.#context.names;
    await Promise.all(
      milestones.map((filter) => readStream(this.#options({ from, filter }, collect), { to })),
    );
    return facts.toSorted((a, b) => a.seq - b.seq);
  }

  async ends(from: number, limit: number): Promise<LoggedFact[]> {
    const facts: LoggedFact[] = [];
    const collect = (fact: LoggedFact): void => void facts.push(fact);
    await readStream(this.#options({ from, filter: this.#context.names.ends }, collect), { limit });
    return facts;
  }

  positionsOf(runId: string): Promise<number[]> {
    const { names } = this.#context;
    return positionsIn(this.#context, { stream: names.runsStream, filter: names.factsOf(runId) });
  }

  remove(seqs: readonly number[]): Promise<void> {
    return removeAll(this.#context.jsm, this.#context.names.runsStream, seqs);
  }

  end({ withinMs }: { readonly withinMs?: number } = {}): Promise<LogEnd> {
    const end = this.#end();
    return withinMs === undefined ? end : inTime(end, withinMs);
  }

  /** Each of many who submit asks for it. */
  readonly #end = coalesced(async (): Promise<LogEnd> => {
    const { jsm, names } = this.#context;
    const [{ state, config, ts }, values] = await Promise.all([
      patiently(() => jsm.streams.info(names.runsStream)),
      this.#fillOfValues(),
    ]);
    // Servers before 2.10 do not tell their time; this machine's stands in for it.
    const time = ts === undefined ? Date.now() : Date.parse(ts);
    const { messages: facts, bytes } = state;
    const fill = Math.max(share(bytes, config.max_bytes), share(facts, config.max_msgs), values);
    return { seq: facts === 0 ? 0 : state.last_seq, time, facts, fill };
  });

  /** They are written before the facts that name them, and go with the runs that go. */
  async #fillOfValues(): Promise<number> {
    const { jsm, names } = this.#context;
    try {
      const { state, config } = await patiently(() => jsm.streams.info(names.blobsStream));
      return share(state.bytes, config.max_bytes);
    } catch (error) {
      if (isDenied(error)) return 0;
      throw error;
    }
  }

  async follow(
    { from, runId, partitions, onRewound }: FollowOptions,
    onFact: (fact: LoggedFact) => void,
  ): Promise<Follower> {
    const filter = this.#filterOf(runId, partitions);
    const where = { from, filter, ...(partitions === undefined ? {} : { partitions }) };
    return this.#followers.start(this.#options(where, onFact, onRewound));
  }

  reconnected(): void {
    // The log may have been put back to an older state, and other facts stand at its positions by now.
    this.#cache.clear();
    this.#followers.reconnected();
  }

  async close(): Promise<void> {
    await this.#followers.close();
  }

  #filterOf(runId?: string, partitions?: readonly number[]): string | readonly string[] {
    const { names, takesFilters } = this.#context;
    if (runId !== undefined) return names.factsOf(runId);
    // An older server sends all facts; those of other partitions are left out here.
    if (partitions === undefined || !takesFilters) return names.allFacts;
    return partitions.map((partition) => names.factsIn(partition));
  }

  #options(
    {
      partitions,
      ...where
    }: Pick<FollowStreamOptions, "from" | "filter"> & Pick<FollowOptions, "partitions">,
    onFact: (fact: LoggedFact) => void,
    onRewound?: () => void,
  ): FollowStreamOptions {
    return {
      ...where,
      context: this.#context,
      stream: this.#context.names.runsStream,
      onMessage: (message) => {
        if (partitions !== undefined && !isIn(message.subject, partitions)) return;
        const fact = this.#decode(message);
        if (fact !== undefined) onFact(fact);
      },
      onRewound: () => {
        this.#cache.clear();
        onRewound?.();
      },
    };
  }

  async #fetch(seq: number): Promise<LoggedFact | undefined> {
    const { jsm, names } = this.#context;
    const message = await getMessage(jsm, names.runsStream, { seq });
    return message === undefined ? undefined : this.#decode(message);
  }

  #decode(message: StreamMessage): LoggedFact | undefined {
    const { subject, data, seq, time } = message;
    const read = readFactSubject(subject);
    const decoded = read === undefined ? { wrong: "no fact has such a subject" } : decodeFact(read, data);
    if (read === undefined || "wrong" in decoded) {
      const reason = "wrong" in decoded ? decoded.wrong : "";
      void this.#context.putAside(subject, reason, data);
      return undefined;
    }
    const fact = { seq, time, runId: read.runId, partition: read.partition, fact: decoded.value };
    this.#cache.add(fact, data.length);
    return fact;
  }
}

/** What cannot be read has a partition too: who follows it puts it aside. */
function isIn(subject: string, partitions: readonly number[]): boolean {
  const partition = readPartition(subject);
  return partition !== undefined && partitions.includes(partition);
}

/** Without a limit it is negative or 0. */
function share(taken: number, limit: number): number {
  return limit > 0 ? taken / limit : 0;
}
