/**
 * The history on a stream: each record in pieces, a subject each. The first piece says how many there are and is
 * stored last, so that what it stands for is whole.
 */
import { headers } from "@nats-io/transport-node";
import { decodeRecord, encodeRecord } from "../contract/history.ts";
import { CHUNK_BYTES } from "../contract/streams.ts";
import { readRecordSubject } from "../contract/subjects.ts";
import type { LoggedFact } from "../core/facts.ts";
import type { History, HistorySize, RecordEntry, RecordKey } from "../ports/history.ts";
import type { Context } from "./context.ts";
import { readStream } from "./follower.ts";
import { patiently } from "./patience.ts";
import { positionsIn, removeAll } from "./removal.ts";
import { getMessage, type StreamMessage } from "./stored-message.ts";

const PIECES = "Jetdag-Pieces";
/** The server names a message's size where it leaves its bytes out. */
const SIZE = "Nats-Msg-Size";

export class NatsHistory implements History {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async put(run: RecordKey, facts: readonly LoggedFact[]): Promise<void> {
    const { publisher, names } = this.#context;
    const bytes = await encodeRecord(facts);
    const pieces = Math.ceil(bytes.length / CHUNK_BYTES);
    for (let piece = pieces - 1; piece > 0; piece--) {
      await publisher.publish(names.recordPiece(run, piece), chunk(bytes, piece));
    }
    const about = headers();
    about.set(PIECES, String(pieces));
    await publisher.publish(names.recordPiece(run, 0), chunk(bytes, 0), { headers: about });
  }

  async get(run: RecordKey): Promise<LoggedFact[] | undefined> {
    const first = await this.#piece(run, 0);
    if (first === undefined) return undefined;
    const all = [first];
    const count = Number(first.headers?.get(PIECES));
    for (let i = 1; i < count; i++) {
      const piece = await this.#piece(run, i);
      if (piece === undefined) return undefined;
      all.push(piece);
    }
    const decoded = await decodeRecord(run, Buffer.concat(all.map(({ data }) => data)));
    if ("value" in decoded) return decoded.value;
    void this.#context.putAside(first.subject, decoded.wrong, first.data);
    return undefined;
  }

  async oldest(limit: number, after = 0): Promise<RecordEntry[]> {
    const { historyStream: stream, allHistory: filter } = this.#context.names;
    const entries = new Map<string, RecordEntry>();
    const onMessage = ({ subject, headers, seq: position, time: storedAt }: StreamMessage): void => {
      const read = readRecordSubject(subject);
      if (read === undefined) return;
      const { piece: _, ...key } = read;
      const id = this.#context.names.recordOf(key);
      const bytes = (entries.get(id)?.bytes ?? 0) + Number(headers?.get(SIZE) ?? 0);
      entries.set(id, { ...key, position, bytes, storedAt });
    };
    const options = { context: this.#context, stream, filter, from: after + 1, headersOnly: true, onMessage };
    await readStream(options, { limit });
    return [...entries.values()];
  }

  async size(): Promise<HistorySize> {
    const { jsm, names } = this.#context;
    const { state } = await patiently(() => jsm.streams.info(names.historyStream));
    return { records: state.messages, bytes: state.bytes };
  }

  /** The first piece goes last: while it is there, somebody sees to the others. */
  async remove(run: RecordKey): Promise<void> {
    const { jsm, names } = this.#context;
    const { historyStream: stream } = names;
    await removeAll(
      jsm,
      stream,
      await positionsIn(this.#context, { stream, filter: `${names.recordOf(run)}.>` }),
    );
  }

  #piece(run: RecordKey, piece: number): Promise<StreamMessage | undefined> {
    const { jsm, names } = this.#context;
    return getMessage(jsm, names.historyStream, { last_by_subj: names.recordPiece(run, piece) });
  }
}

function chunk(bytes: Uint8Array, i: number): Uint8Array {
  return bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
}
