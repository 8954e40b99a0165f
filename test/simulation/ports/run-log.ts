/** The run log over the simulated server, as its adapter keeps it. */
import { encodeFact } from "../../../internal/contract/facts.ts";
import type { Fact, LoggedFact } from "../../../internal/core/facts.ts";
import type {
  Appended,
  AppendOptions,
  Follower,
  FollowOptions,
  LogEnd,
  RunKey,
  RunLog,
} from "../../../internal/ports/run-log.ts";
import type { Stored } from "../server/stream.ts";
import type { Client } from "./client.ts";
import { readFact, runOf } from "./facts.ts";
import { SimFollower } from "./follower.ts";

/** A replica may lag behind by so much at most. */
const LAG_MS = 100;

export class SimRunLog implements RunLog {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  append(run: RunKey, fact: Fact, { isWanted }: AppendOptions = {}): Promise<Appended> {
    const { server } = this.#client;
    return this.#client.publish(server.runs, {
      subject: server.names.fact(run, fact),
      value: encodeFact(fact),
      isWanted,
    });
  }

  read(seqs: readonly number[]): Promise<LoggedFact[]> {
    const { runs } = this.#client.server;
    return this.#client.ask("read facts", () => facts(seqs.flatMap((seq) => runs.at(seq) ?? [])));
  }

  /** A replica answers, which may lag behind. */
  factsOf(runId: string): Promise<LoggedFact[]> {
    const { server, link } = this.#client;
    const { random } = link.process.world;
    return this.#client.ask(`read run ${runId}`, () => {
      const lag = random.chance(server.moods.staleReads) ? random.next() * LAG_MS : 0;
      // A replica that lags behind would still have what was removed.
      const newest = Math.max(link.process.world.now - lag, server.runs.removedAt);
      const messages = [...server.runs.messages].filter(({ at }) => at <= newest);
      return facts(messages).filter((fact) => fact.runId === runId);
    });
  }

  partitionOf(runId: string): Promise<number | undefined> {
    const { runs } = this.#client.server;
    return this.#client.ask(`partition of ${runId}`, () => {
      const all = facts(runs.messages);
      return all.find((each) => each.runId === runId && each.fact.kind === "submitted")?.partition;
    });
  }

  milestones(from: number, to: number): Promise<LoggedFact[]> {
    const kinds = new Set<Fact["kind"]>(["submitted", "retry", "finished"]);
    return this.#client.ask("read milestones", () =>
      facts(this.#client.server.runs.messages).filter(
        ({ seq, fact }) => seq >= from && seq <= to && kinds.has(fact.kind),
      ),
    );
  }

  ends(from: number, limit: number): Promise<LoggedFact[]> {
    return this.#client.ask("read ends", () =>
      facts(this.#client.server.runs.messages)
        .filter(({ seq, fact }) => seq >= from && fact.kind === "finished")
        .slice(0, limit),
    );
  }

  positionsOf(runId: string): Promise<number[]> {
    const { runs } = this.#client.server;
    return this.#client.ask(`positions of ${runId}`, () =>
      [...runs.messages].filter((message) => runOf(message) === runId).map(({ seq }) => seq),
    );
  }

  async remove(seqs: readonly number[]): Promise<void> {
    const { runs } = this.#client.server;
    for (const seq of seqs) await this.#client.ask(`remove fact ${seq}`, () => runs.remove(seq, "deleted"));
  }

  end(): Promise<LogEnd> {
    const { server } = this.#client;
    const { runs } = server;
    return this.#client.ask("ask for the log's end", () => {
      const count = runs.size;
      return { seq: count === 0 ? 0 : runs.lastSeq, time: server.now(), facts: count, fill: 0 };
    });
  }

  async follow(options: FollowOptions, onFact: (fact: LoggedFact) => void): Promise<Follower> {
    const follower = new SimFollower(this.#client, options, onFact);
    try {
      await follower.start();
    } catch (error) {
      await follower.stop();
      throw error;
    }
    return follower;
  }
}

function facts(messages: Iterable<Stored>): LoggedFact[] {
  return [...messages].flatMap((message) => readFact(message) ?? []);
}
