/**
 * Sees to it, from time to time, that runs which ended some time ago are retired, sooner where the log is short of room,
 * and that the history keeps within its bounds. Which and how many is decided by `core`; how it is done is the
 * historian's.
 */
import type { LoggedFact } from "../core/facts.ts";
import { type Kept, type Retention, surplusFacts, surplusHistory } from "../core/retention.ts";
import type { Timer } from "../ports/clock.ts";
import type { RecordEntry } from "../ports/history.ts";
import { Historian } from "./historian.ts";
import type { Ports } from "./settings.ts";

export interface RetirementOptions extends Pick<
  Ports,
  "log" | "history" | "blobs" | "definitions" | "clock" | "observer"
> {
  readonly retention: Retention;
  /** This executor holds the share that the partition is in. */
  owns(partition: number): boolean;
  /** The run is at hand, because it has not ended or was retried. */
  goesOn(runId: string): boolean;
}

/** A look costs a few questions. */
const LONGEST_MS = 10_000;
const SHORTEST_MS = 500;
/** So many ended runs, or records, are looked at together. */
const LOOK = 200;
const RUNS_AT_A_TIME = 8;
/** Each removal takes the server's time from those who publish: so many facts a second, unless there is no room. */
const FACTS_PER_SECOND = 4_000;
/** What could not be retired is tried again so much later. */
const FAILED_MS = 600_000;

export class Retirement {
  readonly #options: RetirementOptions;
  readonly #historian: Historian;
  /** Runs that are not at hand, of which something came; they may have been retired. */
  readonly #late = new Set<string>();
  /** Runs that could not be retired, and when they are tried again, by the monotonic clock. */
  readonly #failed = new Map<string, number>();
  #timer: Timer | undefined;
  #underWay: Promise<void> | undefined;
  #inHurry = false;
  #stopped = false;

  constructor(options: RetirementOptions) {
    this.#options = options;
    this.#historian = new Historian({
      ...options,
      owns: (partition) => !this.#stopped && options.owns(partition),
      removed: (facts) => this.#rest(facts),
    });
  }

  start(): void {
    const { clock, retention } = this.#options;
    const everyMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, retention.retireAfterMs / 2));
    this.#timer = clock.after(everyMs, () => {
      void this.pass().finally(() => {
        if (!this.#stopped) this.start();
      });
    });
  }

  /** What is under way is broken off; that does no harm. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** A fact came of a run that is not at hand: of one that has been retired it is of no use to anybody. */
  late(runId: string): void {
    this.#late.add(runId);
  }

  /** Does what there is to do now. Does not reject: what fails is told, and tried again another time. */
  pass(): Promise<void> {
    this.#underWay ??= this.#pass()
      .catch((error: unknown) => this.#trouble("retiring runs", error))
      .finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  async #pass(): Promise<void> {
    await this.#retireEnded();
    await this.#dropOldest();
    const late = [...this.#late];
    this.#late.clear();
    for (const runId of late) await this.#historian.sweepLate(runId);
  }

  /** Ends are in the order of time: after one that is too young to go there is none that is old enough. */
  async #retireEnded(): Promise<void> {
    const { log, retention, observer } = this.#options;
    const { time } = await log.end();
    let surplus = surplusFacts(await this.#kept(), retention);
    const isDue = (end: LoggedFact): boolean =>
      !this.#stopped && (surplus > 0 || time - end.time >= retention.retireAfterMs);
    let [runs, facts] = [0, 0];
    const look = async (after: number): Promise<LoggedFact[]> => log.ends(after + 1, LOOK);
    await inGroups(
      look,
      ({ seq }) => seq,
      async (ends) => {
        this.#inHurry = surplus > 0;
        const due = ends.filter(isDue);
        for (const gone of await Promise.all(due.map((end) => this.#tryToRetire(end)))) {
          surplus -= gone;
          facts += gone;
          if (gone > 0) runs++;
        }
        return due.length === ends.length;
      },
    );
    if (runs > 0) observer.observe({ kind: "runs-retired", runs, facts });
  }

  /** Resolves with how many facts went. */
  async #tryToRetire({ runId, partition }: LoggedFact): Promise<number> {
    const { owns, goesOn, clock } = this.#options;
    const again = this.#failed.get(runId) ?? 0;
    if (!owns(partition) || goesOn(runId) || clock.monotonic() < again) return 0;
    this.#failed.delete(runId);
    try {
      return await this.#historian.retire(runId);
    } catch (error) {
      this.#failed.set(runId, clock.monotonic() + FAILED_MS);
      this.#trouble(`retiring run ${runId}`, error);
      return 0;
    }
  }

  /** So are records. */
  async #dropOldest(): Promise<void> {
    const { history, log, retention, owns, observer } = this.#options;
    const { time } = await log.end();
    let { records, bytes } = surplusHistory(await this.#kept(), retention);
    let runs = 0;
    const isDue = (entry: RecordEntry): boolean => {
      const isTooMany = records > 0 || bytes > 0;
      records--;
      bytes -= entry.bytes;
      return !this.#stopped && (isTooMany || time - entry.storedAt >= retention.historyMs);
    };
    const look = async (after: number): Promise<RecordEntry[]> => history.oldest(LOOK, after);
    await inGroups(
      look,
      ({ position }) => position,
      async (entries) => {
        const due = entries.filter(isDue);
        const own = due.filter(({ partition }) => owns(partition));
        await Promise.all(own.map((entry) => this.#historian.drop(entry)));
        runs += own.length;
        return due.length === entries.length;
      },
    );
    if (runs > 0) observer.observe({ kind: "history-dropped", runs });
  }

  async #kept(): Promise<Kept> {
    const { log, history } = this.#options;
    const { facts, fill } = await log.end();
    return { facts, fill, ...(await history.size()) };
  }

  async #rest(facts: number): Promise<void> {
    if (this.#inHurry) return;
    await new Promise<void>((resolve) => {
      const ownRate = FACTS_PER_SECOND / RUNS_AT_A_TIME;
      this.#options.clock.after((facts / ownRate) * 1_000, resolve);
    });
  }

  #trouble(what: string, error: unknown): void {
    if (this.#stopped) return;
    this.#options.observer.observe({ kind: "trouble", what, error: String(error) });
  }
}

/** Looks at one part after the other, each in small groups, as long as `work` says to go on. */
async function inGroups<T>(
  look: (after: number) => Promise<T[]>,
  positionOf: (item: T) => number,
  work: (group: T[]) => Promise<boolean>,
): Promise<void> {
  for (let after = 0; ;) {
    const part = await look(after);
    for (let i = 0; i < part.length; i += RUNS_AT_A_TIME) {
      if (!(await work(part.slice(i, i + RUNS_AT_A_TIME)))) return;
    }
    const last = part.at(-1);
    if (last === undefined) return;
    after = positionOf(last);
  }
}
