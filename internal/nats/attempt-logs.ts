/** The logs of attempts on a stream, a message each batch; the promises are in ports/attempt-logs.ts. */
import { decodeLog, encodeLog } from "../contract/attempt-logs.ts";
import type { Decoded } from "../contract/codec.ts";
import { readLogSubject } from "../contract/subjects.ts";
import type { LogBatch } from "../core/attempt-log.ts";
import type { LogFollower, LogHandlers, LogsOf, LogStore } from "../ports/attempt-logs.ts";
import type { Context } from "./context.ts";
import { readTime } from "./delivery-info.ts";
import { type FollowStreamOptions, readStream } from "./follower.ts";
import { Followers } from "./followers.ts";
import { patiently } from "./patience.ts";
import type { StreamMessage } from "./stored-message.ts";

export class NatsLogs implements LogStore {
  readonly #context: Context;
  readonly #followers = new Followers();

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
    const left = new LeftOut(this.#context);
    await readStream(this.#options(which, { onBatch, left }));
    left.tell();
  }

  async follow(which: LogsOf, { batch, caughtUp }: LogHandlers): Promise<LogFollower> {
    const left = new LeftOut(this.#context);
    const options = this.#options(which, { onBatch: batch, left });
    const follower = await this.#followers.start({ ...options, onCaughtUp: caughtUp });
    const { jsm, names } = this.#context;
    return {
      reached: async () => {
        const { state } = await patiently(() => jsm.streams.info(names.logsStream));
        await follower.reached(state.last_seq);
      },
      stop: async () => {
        await follower.stop();
        left.tell();
      },
    };
  }

  async since(): Promise<number | undefined> {
    const { jsm, names } = this.#context;
    const { state, ts } = await patiently(() => jsm.streams.info(names.logsStream));
    if (state.first_seq <= 1) return undefined;
    // Of an empty stream the server has no time but its own.
    return readTime(state.messages === 0 ? (ts ?? new Date().toISOString()) : state.first_ts);
  }

  reconnected(): void {
    this.#followers.reconnected();
  }

  async close(): Promise<void> {
    await this.#followers.close();
  }

  #options(
    which: LogsOf,
    { onBatch, left }: { readonly onBatch: (batch: LogBatch) => void; readonly left: LeftOut },
  ): FollowStreamOptions {
    const { names } = this.#context;
    return {
      context: this.#context,
      stream: names.logsStream,
      filter: names.logsOf(which),
      from: 1,
      onMessage: (message) => {
        const decoded = decode(message);
        if ("value" in decoded) onBatch(decoded.value);
        else left.add(decoded.wrong);
      },
    };
  }
}

function decode({ subject, data }: StreamMessage): Decoded<LogBatch> {
  const place = readLogSubject(subject);
  return place === undefined ? { wrong: "no log has such a subject" } : decodeLog(place, data);
}

/** What one reader could not read. Whoever reads changes nothing, so it stays where it is, and is told. */
class LeftOut {
  readonly #context: Pick<Context, "names" | "onTrouble">;
  #count = 0;
  #why = "";

  constructor(context: Pick<Context, "names" | "onTrouble">) {
    this.#context = context;
  }

  add(why: string): void {
    this.#count++;
    this.#why = why;
  }

  tell(): void {
    if (this.#count === 0) return;
    const { names, onTrouble } = this.#context;
    const what = this.#count === 1 ? "a message" : `${this.#count} messages`;
    onTrouble(`${what} in ${names.logsStream} could not be read, and left out; the last one: ${this.#why}`);
  }
}
