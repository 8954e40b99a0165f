/** What is to happen, by time; at one time in the order in which it was put in. */
export interface SimEvent {
  /** Milliseconds since the beginning. */
  readonly at: number;
  readonly order: number;
  readonly label: string;
  readonly act: () => void;
  isCancelled: boolean;
}

export class EventHeap {
  readonly #events: SimEvent[] = [];

  /** When the next thing happens; never when nothing will. */
  get nextAt(): number {
    return this.#events[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  push(event: SimEvent): void {
    const events = this.#events;
    let at = events.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = events[parent];
      if (above === undefined || isBefore(above, event)) break;
      events[at] = above;
      at = parent;
    }
    events[at] = event;
  }

  pop(): SimEvent | undefined {
    const events = this.#events;
    const [first] = events;
    const last = events.pop();
    if (last !== undefined && events.length > 0) this.#sink(last);
    return first;
  }

  /** Puts an event at the top and lets it sink to its place. */
  #sink(event: SimEvent): void {
    const events = this.#events;
    let at = 0;
    for (;;) {
      const [left, right] = [events[2 * at + 1], events[2 * at + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const least = isRight ? right : left;
      if (isBefore(event, least)) break;
      events[at] = least;
      at = isRight ? 2 * at + 2 : 2 * at + 1;
    }
    events[at] = event;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
