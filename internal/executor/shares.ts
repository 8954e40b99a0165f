/**
 * The shares that this executor holds, of all: a lease for each, and one by which the others know that it is there.
 * Everybody follows all leases and decides for itself what to take and what to give up (core/shares.ts).
 *
 * S1 A share that is given up is finished first: nothing that it began is under way any more.
 * S2 A take-over that failed gives the share up; another may be able to.
 */
import { SHARES } from "../core/hash.ts";
import { type Member, sharesToTake, shareToGive, type Standing } from "../core/shares.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Lease, LeaseBoard, Leases } from "../ports/lease.ts";
import type { Observer } from "../ports/observer.ts";
import { Leadership, type LeadershipOptions } from "./leadership.ts";
import { ShareNews } from "./share-news.ts";

const BALANCE_MS = 250;

export interface SharesOptions {
  readonly leases: Leases;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Names this executor; safe in subjects. */
  readonly owner: string;
  /** It drives only what no executor service does. */
  readonly standsIn: boolean;
  /** A share is ours: resolves when the take-over is done. Rejects when it failed. */
  gained(share: number): Promise<void>;
  /** It is ours for one more term; perhaps it was too old to act on for a while. */
  renewed(share: number): void;
  /** It is about to be given up: resolves when what is under way for it has come to its end. */
  finish(share: number): Promise<void>;
  /** It is no longer ours, perhaps in the middle of the take-over. */
  lost(share: number): Promise<void>;
}

export class Shares {
  readonly #options: SharesOptions;
  readonly #news: ShareNews;
  readonly #membership: Leadership;
  readonly #leaderships: readonly Leadership[];
  /** Since when each is free, by the monotonic clock. */
  readonly #freeSince = new Map<number, number>();
  /** Taken beyond what is our part, since nobody else would; for as long as the same executors are there. */
  readonly #kept = new Set<number>();
  #members = "";
  #others: ReadonlySet<string> = new Set();
  #board: LeaseBoard | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: SharesOptions) {
    this.#options = options;
    const { leases, owner, standsIn } = options;
    this.#news = new ShareNews(options);
    this.#membership = this.#leadership(leases.named(memberName({ id: owner, standsIn })), {});
    this.#leaderships = Array.from({ length: SHARES }, (_, share) =>
      this.#leadership(leases.named(shareName(share)), {
        gained: async () => {
          await options.gained(share);
          if (this.leads(share)) this.#news.tell("lease-taken", share);
        },
        renewed: () => options.renewed(share),
        finish: () => options.finish(share),
        lost: async (how) => {
          await options.lost(share);
          this.#news.tell(how === "lapsed" ? "lease-lost" : "lease-released", share);
        },
      }),
    );
  }

  /** Resolves when it is known who holds what; take-overs may go on for as long as the log is long. */
  async start(): Promise<void> {
    await this.#membership.take();
    this.#board = await this.#options.leases.watch(() => void this.#balance());
    await this.#balance();
    this.#schedule();
  }

  /** Gives everything up in order. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#board?.stop();
    await this.#membership.stop();
    await Promise.all(this.#leaderships.map((leadership) => leadership.stop()));
    this.#news.flush();
  }

  /** The share's lease is ours, perhaps too old to act on. */
  leads(share: number): boolean {
    return this.#leaderships[share]?.leads === true;
  }

  /** For how long the share's lease, if it is ours, may still be acted on, in milliseconds; 0 where it may not. */
  leftMs(share: number): number {
    return this.#leaderships[share]?.leftMs ?? 0;
  }

  /** Gives a share up at once; it is asked for again, and taken over anew. */
  stepDown(share: number): void {
    void this.#leaderships[share]?.stepDown();
  }

  /** How many executors hold shares, as far as it is known here. */
  get holders(): number {
    return this.#others.size + (this.#leaderships.some(({ leads }) => leads) ? 1 : 0);
  }

  #leadership(
    lease: Lease,
    acts: Partial<Pick<LeadershipOptions, "gained" | "renewed" | "finish" | "lost">>,
  ): Leadership {
    const { clock, owner } = this.#options;
    const nothing = async (): Promise<void> => undefined;
    return new Leadership({
      lease,
      clock,
      owner,
      gained: nothing,
      renewed: () => undefined,
      finish: nothing,
      lost: nothing,
      trouble: (what, error) => this.#news.trouble(what, error),
      ...acts,
    });
  }

  #schedule(): void {
    this.#timer = this.#options.clock.after(BALANCE_MS, () => {
      void this.#balance();
      this.#schedule();
    });
  }

  /** Resolves when all that was asked for is answered. */
  async #balance(): Promise<void> {
    if (this.#stopped) return;
    const standing = this.#standing();
    const wanted = sharesToTake(standing);
    const taken = [this.#membership.take()];
    for (const share of wanted) {
      if (standing.forsaken.has(share)) this.#kept.add(share);
      const leadership = this.#leaderships[share];
      if (leadership !== undefined) taken.push(leadership.take());
    }
    if (!this.#leaderships.some(({ isLeaving }) => isLeaving)) {
      const given = shareToGive(standing, this.#kept);
      if (given !== undefined) void this.#giveUp(given);
    }
    await Promise.all(taken);
  }

  /** Another may take it by now: then it is the next one's turn. */
  async #giveUp(share: number): Promise<void> {
    await this.#leaderships[share]?.giveUp();
    await this.#balance();
  }

  #standing(): Standing {
    const { owner: me, clock, leases } = this.#options;
    const held = this.#held();
    const holders = this.#holdersBy(held);
    this.#others = new Set(
      holders.flatMap((holder) => (holder === undefined || holder === me ? [] : [holder])),
    );
    const now = clock.monotonic();
    const forsaken = new Set<number>();
    for (const [share, holder] of holders.entries()) {
      if (holder !== undefined) this.#freeSince.delete(share);
      else if (!this.#freeSince.has(share)) this.#freeSince.set(share, now);
      else if (now - (this.#freeSince.get(share) ?? now) >= leases.termMs) forsaken.add(share);
    }
    const members = this.#membersOf(held);
    const named = members.map(memberName).toSorted().join(" ");
    if (named !== this.#members) this.#kept.clear();
    this.#members = named;
    return { me, members, holders, forsaken };
  }

  #held(): ReadonlyMap<string, string> {
    return this.#board?.holders() ?? new Map<string, string>();
  }

  /** What others hold is known from the board, what is ours from ourselves. */
  #holdersBy(held: ReadonlyMap<string, string>): (string | undefined)[] {
    const { owner } = this.#options;
    return this.#leaderships.map(({ leads }, share) => {
      if (leads) return owner;
      const holder = held.get(shareName(share));
      return holder === owner ? undefined : holder;
    });
  }

  #membersOf(held: ReadonlyMap<string, string>): Member[] {
    const { owner: id, standsIn } = this.#options;
    const others = [...held.keys()].flatMap((name) => readMember(name) ?? []);
    return [...others.filter((member) => member.id !== id), { id, standsIn }];
  }
}

const SERVICE = "executor.";
const STAND_IN = "stand-in.";

function shareName(share: number): string {
  return `share.${share}`;
}

function memberName({ id, standsIn }: Member): string {
  return `${standsIn ? STAND_IN : SERVICE}${id}`;
}

function readMember(name: string): Member | undefined {
  for (const prefix of [SERVICE, STAND_IN]) {
    if (name.startsWith(prefix)) return { id: name.slice(prefix.length), standsIn: prefix === STAND_IN };
  }
  return undefined;
}
