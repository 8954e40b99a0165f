/** A store of events in this process. What it gives is a copy, as from any database. */
import type { JsonObject } from "../../internal/core/json.ts";
import type { EventStore } from "../../internal/engine/event-store.ts";

export class MemoryEventStore implements EventStore {
  readonly #runs = new Map<string, string[]>();

  async append(runId: string, number: number, event: JsonObject): Promise<boolean> {
    const events = this.#runs.get(runId) ?? [];
    if (events.length !== number - 1) return false;
    this.#runs.set(runId, [...events, JSON.stringify(event)]);
    return true;
  }

  async read(runId: string, from: number): Promise<JsonObject[]> {
    const events = this.#runs.get(runId) ?? [];
    return events.slice(from - 1).map((text) => JSON.parse(text) as JsonObject);
  }
}
