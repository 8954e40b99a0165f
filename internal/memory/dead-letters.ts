/** Dead letters in one process. */
import type { Clock } from "../ports/clock.ts";
import type { DeadLetter, DeadLetters, LetterHead, StoredLetter } from "../ports/dead-letters.ts";

const MAX_LETTERS = 1_000;
const ID_DIGITS = 16;

export class MemoryDeadLetters implements DeadLetters {
  readonly #clock: Clock;
  /** By what they are about, the newest at the end. */
  readonly #letters = new Map<string, StoredLetter>();
  #seq = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async put(letter: DeadLetter): Promise<void> {
    const key = keyOf(letter);
    const seq = ++this.#seq;
    const id = this.#letters.get(key)?.head.id ?? seq.toString(16).padStart(ID_DIGITS, "0");
    this.#letters.delete(key);
    this.#letters.set(key, { head: headOf(letter, { id, seq, time: this.#clock.now() }), letter });
    const [oldest] = this.#letters.keys();
    if (this.#letters.size > MAX_LETTERS && oldest !== undefined) this.#letters.delete(oldest);
  }

  async list(limit: number, isMeant: (head: LetterHead) => boolean = () => true): Promise<LetterHead[]> {
    const heads = [...this.#letters.values()].map(({ head }) => head).filter(isMeant);
    return heads.toReversed().slice(0, limit);
  }

  async get(id: string): Promise<StoredLetter | undefined> {
    return [...this.#letters.values()].find(({ head }) => head.id === id);
  }

  async remove({ id, seq }: LetterHead): Promise<boolean> {
    const stored = await this.get(id);
    return stored?.head.seq === seq && this.#letters.delete(keyOf(stored.letter));
  }
}

function keyOf(letter: DeadLetter): string {
  if (letter.kind === "unreadable") return JSON.stringify([letter.subject, [...letter.bytes]]);
  const { runId, task, index, gen } = letter;
  return JSON.stringify([runId, task, index, gen]);
}

function headOf(letter: DeadLetter, place: Pick<LetterHead, "id" | "seq" | "time">): LetterHead {
  if (letter.kind === "unreadable") {
    const { kind, subject, reason, bytes } = letter;
    return { ...place, kind, subject, reason, size: bytes.length };
  }
  const { kind, runId, task, index, losses } = letter;
  return {
    ...place,
    kind,
    runId,
    task,
    index,
    losses: losses.length,
    reason: losses.at(-1)?.message ?? "",
  };
}
