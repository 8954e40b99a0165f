/** The catalog on a stream with one message a version; the promises are in ports/catalog.ts. */
import { decodeVersion, encodeVersion } from "../contract/catalog.ts";
import { readVersionSubject } from "../contract/subjects.ts";
import type { Catalog, DeployedVersion, NewVersion } from "../ports/catalog.ts";
import { CALLER_WAITS_MS } from "../ports/storing.ts";
import type { Context } from "./context.ts";
import { readStream } from "./follower.ts";
import type { StreamMessage } from "./stored-message.ts";

export class NatsCatalog implements Catalog {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async add(added: NewVersion): Promise<DeployedVersion | undefined> {
    const { publisher, names } = this.#context;
    for (;;) {
      const newest = (await this.versions(added.name)).at(-1);
      if (newest?.source.name === added.source.name) return undefined;
      const version = (newest?.version ?? 0) + 1;
      // Refused: somebody else has just made this version, so ours is the next.
      const answer = await publisher.publish(names.version(added.name, version), encodeVersion(added), {
        withinMs: CALLER_WAITS_MS,
      });
      if (!answer.stored) continue;
      return (await this.versions(added.name)).find((each) => each.version === version);
    }
  }

  async versions(name: string): Promise<DeployedVersion[]> {
    const found = await this.#read(this.#context.names.versionsOf(name));
    return found.toSorted((a, b) => a.version - b.version);
  }

  async newest(): Promise<DeployedVersion[]> {
    const byName = new Map<string, DeployedVersion>();
    for (const each of await this.#read(this.#context.names.allVersions)) {
      if (each.version > (byName.get(each.name)?.version ?? 0)) byName.set(each.name, each);
    }
    return [...byName.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #read(filter: string): Promise<DeployedVersion[]> {
    const found: DeployedVersion[] = [];
    const onMessage = (message: StreamMessage): void => {
      const version = this.#decode(message);
      if (version !== undefined) found.push(version);
    };
    const { dagsStream: stream } = this.#context.names;
    await readStream({ context: this.#context, stream, filter, from: 1, onMessage });
    return found;
  }

  #decode({ subject, data, time }: StreamMessage): DeployedVersion | undefined {
    const version = readVersionSubject(subject);
    const decoded = version === undefined ? { wrong: "no version has such a subject" } : decodeVersion(data);
    if (version !== undefined && "value" in decoded) return { ...decoded.value, version, deployedAt: time };
    void this.#context.putAside(subject, "wrong" in decoded ? decoded.wrong : "", data);
    return undefined;
  }
}
