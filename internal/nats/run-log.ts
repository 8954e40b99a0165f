/** The run log on a stream; the promises are in ports/run-log.ts. */
import type { JetStreamClient, JetStreamManager, StoredMsg } from "@nats-io/jetstream";
import { decodeFact, encodeFact } from "../contract/facts.ts";
import { type Names, readFactSubject } from "../contract/subjects.ts";
import type { Fact, LoggedFact } from "../core/facts.ts";
import type { Appended, Follower, FollowOptions, RunKey, RunLog } from "../ports/run-log.ts";
import { CODES, isApiError } from "./answers.ts";
import { FactCache } from "./fact-cache.ts";
import { asStreamMessage, followStream, type StreamMessage } from "./follower.ts";
import type { Publisher } from "./publisher.ts";

/** Recent outputs are asked for soon after they were written. */
const CACHE_BYTES = 8 * 1_024 * 1_024;
const READS_AT_A_TIME = 256;

export interface NatsRunLogOptions {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly names: Names;
  readonly publisher: Publisher;
  /** A message that cannot be read. */
  onBad(subject: string, reason: string, bytes: Uint8Array): void;
  onTrouble(what: string): void;
}

export class NatsRunLog implements RunLog {
  readonly #options: NatsRunLogOptions;
  readonly #cache = new FactCache(CACHE_BYTES);

  constructor(options: NatsRunLogOptions) {
    this.#options = options;
  }

  append(run: RunKey, fact: Fact): Promise<Appended> {
    return this.#options.publisher.publish(this.#options.names.fact(run, fact), encodeFact(fact));
  }

  async read(seqs: readonly number[]): Promise<LoggedFact[]> {
    const facts: LoggedFact[] = [];
    for (let from = 0; from < seqs.length; from += READS_AT_A_TIME) {
      const part = seqs.slice(from, from + READS_AT_A_TIME);
      const found = await Promise.all(part.map(async (seq) => this.#cache.get(seq) ?? this.#fetch(seq)));
      facts.push(...found.filter((fact) => fact !== undefined));
    }
    return facts;
  }

  async factsOf(runId: string): Promise<LoggedFact[]> {
    const { js, names } = this.#options;
    const consumer = await js.consumers.get(names.runsStream, { filter_subjects: names.factsOf(runId) });
    const { num_pending: pending } = await consumer.info();
    const facts: LoggedFact[] = [];
    if (pending > 0) {
      const messages = await consumer.consume({ max_messages: 500, expires: 3_000, idle_heartbeat: 750 });
      for await (const message of messages) {
        const fact = this.#decode(asStreamMessage(message));
        if (fact !== undefined) facts.push(fact);
        if (message.info.pending === 0) break;
      }
    }
    await consumer.delete().catch(() => undefined);
    return facts;
  }

  async lastSeq(): Promise<number> {
    const { state } = await this.#options.jsm.streams.info(this.#options.names.runsStream);
    return state.messages === 0 ? 0 : state.last_seq;
  }

  async follow({ from, runId }: FollowOptions, onFact: (fact: LoggedFact) => void): Promise<Follower> {
    const { names } = this.#options;
    return followStream({
      ...this.#options,
      stream: names.runsStream,
      filter: runId === undefined ? names.allFacts : names.factsOf(runId),
      from,
      onMessage: (message) => {
        const fact = this.#decode(message);
        if (fact !== undefined) onFact(fact);
      },
    });
  }

  async #fetch(seq: number): Promise<LoggedFact | undefined> {
    const { jsm, names } = this.#options;
    const message = await jsm.streams.getMessage(names.runsStream, { seq }).catch((error: unknown) => {
      if (isApiError(error, CODES.messageNotFound)) return null;
      throw error;
    });
    return message === null ? undefined : this.#decode(stored(message));
  }

  #decode(message: StreamMessage): LoggedFact | undefined {
    const { subject, data, seq, time } = message;
    const known = this.#cache.get(seq);
    if (known !== undefined) return known;
    const read = readFactSubject(subject);
    if (read === undefined) {
      this.#options.onBad(subject, "no fact has such a subject", data);
      return undefined;
    }
    const decoded = decodeFact(read, data);
    if ("wrong" in decoded) {
      this.#options.onBad(subject, decoded.wrong, data);
      return undefined;
    }
    const fact = { seq, time, runId: read.runId, partition: read.partition, fact: decoded.value };
    this.#cache.add(fact, data.length);
    return fact;
  }
}

function stored({ subject, data, seq, timestamp }: StoredMsg): StreamMessage {
  return { subject, data, seq, time: Date.parse(timestamp) };
}
