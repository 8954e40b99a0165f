/** The logs of attempts on a stream, a message each batch; the promises are in ports/attempt-logs.ts. */
import { decodeLog, encodeLog } from "../contract/attempt-logs.ts";
import { readLogSubject } from "../contract/subjects.ts";
import type { LogBatch } from "../core/attempt-log.ts";
import type { LogFollower, LogHandlers, LogsOf, LogStore } from "../ports/attempt-logs.ts";
import type { Context } from "./context.ts";
import { readTime } from "./delivery-info.ts";
import { type FollowStreamOptions, readStream, StreamFollower } from "./follower.ts";
import { patiently } from "./patience.ts";
import type { StreamMessage } from "./stored-message.ts";

export class NatsLogs implements LogStore {
  readonly #context: Context;
  readonly #followers = new Set<StreamFollower>();

  constructor(context: Context) {
    this.#context = context;
  }

  async put(batch: LogBatch): Promise<void> {
    const { publisher, names, closing, onTrouble } = this.#context;
    try {
      await publisher.publish(names.log(batch), encodeLog(batch));
    } catch (error) {
      const why = String(error).replaceAll(names.log(batch), names.logsStream);
      if (!closing.aborted) onTrouble(`some of the logs of tasks could not be stored: ${why}`);
      throw error;
    }
  }

  async read(which: LogsOf, onBatch: (batch: LogBatch) => void): Promise<void> {
    await readStream(this.#options(which, onBatch));
  }

  async follow(which: LogsOf, { batch, caughtUp }: LogHandlers): Promise<LogFollower> {
    const follower = new StreamFollower({ ...this.#options(which, batch), onCaughtUp: caughtUp });
    this.#followers.add(follower);
    const stop = async (): Promise<void> => {
      this.#followers.delete(follower);
      await follower.stop();
    };
    try {
      await follower.start();
    } catch (error) {
      await stop();
      throw error;
    }
    const { jsm, names } = this.#context;
    const reached = async (): Promise<void> => {
      const { state } = await patiently(() => jsm.streams.info(names.logsStream));
      await follower.reached(state.last_seq);
    };
    return { reached, stop };
  }

  async since(): Promise<number | undefined> {
    const { jsm, names } = this.#context;
    const { state, ts } = await patiently(() => jsm.streams.info(names.logsStream));
    if (state.first_seq <= 1) return undefined;
    // Of an empty stream the server has no time but its own.
    return readTime(state.messages === 0 ? (ts ?? new Date().toISOString()) : state.first_ts);
  }

  reconnected(): void {
    for (const follower of this.#followers) follower.reconnected();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers].map((follower) => follower.stop()));
  }

  #options(which: LogsOf, onBatch: (batch: LogBatch) => void): FollowStreamOptions {
    const { names } = this.#context;
    const onMessage = (message: StreamMessage): void => {
      const batch = this.#decode(message);
      if (batch !== undefined) onBatch(batch);
    };
    return {
      context: this.#context,
      stream: names.logsStream,
      filter: names.logsOf(which),
      from: 1,
      onMessage,
    };
  }

  #decode({ subject, data }: StreamMessage): LogBatch | undefined {
    const place = readLogSubject(subject);
    const decoded = place === undefined ? { wrong: "no log has such a subject" } : decodeLog(place, data);
    if ("value" in decoded) return decoded.value;
    void this.#context.putAside(subject, decoded.wrong, data);
    return undefined;
  }
}
