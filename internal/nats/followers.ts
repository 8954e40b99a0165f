/** Those who follow a stream for as long as they like: all of them are told of a reconnect, and end with the connection. */
import type { Follower } from "../ports/run-log.ts";
import { type FollowStreamOptions, StreamFollower } from "./follower.ts";

export class Followers {
  readonly #all = new Set<StreamFollower>();

  /** Resolves once messages can come; rejects when the stream cannot be followed. */
  async start(options: FollowStreamOptions): Promise<Follower> {
    const follower = new StreamFollower(options);
    this.#all.add(follower);
    const stop = async (): Promise<void> => {
      this.#all.delete(follower);
      await follower.stop();
    };
    try {
      await follower.start();
    } catch (error) {
      await stop();
      throw error;
    }
    return { reached: (seq) => follower.reached(seq), stop };
  }

  reconnected(): void {
    for (const follower of this.#all) follower.reconnected();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((follower) => follower.stop()));
  }
}
