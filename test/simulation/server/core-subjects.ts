/** Core messages: to whoever listens just now, and perhaps lost, doubled, late or out of order. */
import type { Link } from "../engine/link.ts";
import type { World } from "../engine/world.ts";

export interface CoreMoods {
  lost: number;
  doubled: number;
  /** Share of messages that are late, and by how much at most. */
  late: number;
  lateMs: number;
}

export const CALM_CORE: Readonly<CoreMoods> = { lost: 0, doubled: 0, late: 0, lateMs: 0 };

interface Listener {
  readonly link: Link;
  /** Ends with `*` for any last part. */
  readonly subject: string;
  hear(bytes: Uint8Array, reply: Reply): void;
}
export type Reply = (bytes: Uint8Array) => void;

const NO_REPLY: Reply = () => undefined;

export class CoreSubjects {
  readonly moods: CoreMoods = { ...CALM_CORE };
  /** When a message to a subject was last lost or late. */
  readonly troubledAt = new Map<string, number>();
  readonly #world: World;
  readonly #isUp: () => boolean;
  readonly #listeners = new Set<Listener>();

  constructor(world: World, isUp: () => boolean) {
    this.#world = world;
    this.#isUp = isUp;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called at the server; tells how many will hear it, or would if nothing were lost. */
  publish(subject: string, bytes: Uint8Array, reply: Reply = NO_REPLY): number {
    if (!this.#isUp()) return 0;
    const listeners = [...this.#listeners].filter((each) => matches(each.subject, subject));
    for (const listener of listeners) this.#pass(listener, subject, () => listener.hear(bytes, reply));
    return listeners.length;
  }

  #pass(listener: Listener, subject: string, hear: () => void): void {
    const { random } = this.#world;
    const arrive = (): void => listener.link.toClient(subject, hear);
    const { lost, doubled, late, lateMs } = this.moods;
    if (random.chance(lost)) {
      this.troubledAt.set(subject, this.#world.now);
      this.#world.note(`lost ${subject}`);
      return;
    }
    if (random.chance(doubled)) arrive();
    if (random.chance(late)) {
      this.troubledAt.set(subject, this.#world.now);
      this.#world.after(random.next() * lateMs, `late ${subject}`, arrive);
    } else arrive();
  }
}

function matches(pattern: string, subject: string): boolean {
  return pattern.endsWith("*") ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
}
