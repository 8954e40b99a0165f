/** The history and the checkpoints over the simulated server; a record is one message. */
import { decodeCheckpoint, encodeCheckpoint } from "../../../internal/contract/checkpoints.ts";
import { readRecordSubject } from "../../../internal/contract/subjects.ts";
import type { LoggedFact } from "../../../internal/core/facts.ts";
import type { Checkpoint, Checkpoints } from "../../../internal/ports/checkpoints.ts";
import type { History, HistorySize, RecordEntry, RecordKey } from "../../../internal/ports/history.ts";
import type { Client } from "./client.ts";

/** What a fact of a record takes, or so. */
const FACT_BYTES = 200;

export class SimHistory implements History {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async put(run: RecordKey, facts: readonly LoggedFact[]): Promise<void> {
    const { server } = this.#client;
    await this.#client.publish(server.history, {
      subject: server.names.recordPiece(run, 0),
      value: Object.freeze([...facts]),
    });
  }

  get(run: RecordKey): Promise<LoggedFact[] | undefined> {
    const { history, names } = this.#client.server;
    return this.#client.ask(`read record of ${run.runId}`, () => {
      const facts = history.of(names.recordPiece(run, 0))?.value as readonly LoggedFact[] | undefined;
      return facts === undefined ? undefined : [...facts];
    });
  }

  oldest(limit: number, after = 0): Promise<RecordEntry[]> {
    const { history } = this.#client.server;
    return this.#client.ask("read oldest records", () =>
      [...history.messages]
        .filter(({ seq }) => seq > after)
        .toSorted((a, b) => a.seq - b.seq)
        .slice(0, limit)
        .flatMap(({ subject, seq: position, time: storedAt, value }) => {
          const read = readRecordSubject(subject);
          const bytes = FACT_BYTES * (value as readonly LoggedFact[]).length;
          return read === undefined ? [] : [{ ...read, position, bytes, storedAt }];
        }),
    );
  }

  size(): Promise<HistorySize> {
    const { history } = this.#client.server;
    return this.#client.ask("size of the history", () => {
      const facts = [...history.messages].map(({ value }) => (value as readonly LoggedFact[]).length);
      return { records: facts.length, bytes: FACT_BYTES * facts.reduce((sum, each) => sum + each, 0) };
    });
  }

  remove(run: RecordKey): Promise<void> {
    const { history, names } = this.#client.server;
    return this.#client.ask(`remove record of ${run.runId}`, () => {
      const record = history.of(names.recordPiece(run, 0));
      if (record !== undefined) history.remove(record.seq, "deleted");
    });
  }
}

export class SimCheckpoints implements Checkpoints {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get(share: number): Promise<Checkpoint | undefined> {
    const { checkpoints, names } = this.#client.server;
    return this.#client.ask(`read checkpoint ${share}`, () => {
      const bytes = checkpoints.of(names.checkpoint(share))?.value as Uint8Array | undefined;
      const decoded = bytes === undefined ? undefined : decodeCheckpoint(bytes);
      return decoded !== undefined && "value" in decoded ? decoded.value : undefined;
    });
  }

  async put(share: number, checkpoint: Checkpoint): Promise<void> {
    const { checkpoints, names } = this.#client.server;
    await this.#client.publish(checkpoints, {
      subject: names.checkpoint(share),
      value: encodeCheckpoint(checkpoint),
    });
  }
}
