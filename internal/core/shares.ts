/**
 * Who drives which of the shares, in which all runs lie: by what everybody can see, each executor decides for
 * itself, and all come to the same.
 *
 * Executor services divide the shares evenly. Whoever else could drive runs only stands in: for all shares while
 * there is no service, and for a share that no service has taken for a whole term.
 */
import { SHARES } from "./hash.ts";

/** An executor that is alive and could drive runs. */
export interface Member {
  readonly id: string;
  /** It drives only what no service does. */
  readonly standsIn: boolean;
}

export interface Standing {
  readonly me: string;
  /** All that are there, me among them. */
  readonly members: readonly Member[];
  /** By share: who holds it, `undefined` where nobody does. */
  readonly holders: readonly (string | undefined)[];
  /** Shares that nobody has taken for a whole term: whoever has them in its quota cannot. */
  readonly forsaken: ReadonlySet<number>;
}

/** The free shares that I should take, the most fitting first. */
export function sharesToTake({ me, members, holders, forsaken }: Standing): number[] {
  const free = numbered(holders).filter((share) => holders[share] === undefined);
  const room = Math.max(0, quotaOf(me, members) - countOf(me, holders));
  const fitting = byFitness(free, me, members).slice(0, room);
  return [...new Set([...fitting, ...free.filter((share) => forsaken.has(share))])];
}

/**
 * The share that I should give up next, if any: one at a time, and only when all are taken, so that little rests
 * meanwhile. Those in `kept` are not given up: nobody else could take them.
 */
export function shareToGive(
  { me, members, holders }: Standing,
  kept: ReadonlySet<number>,
): number | undefined {
  const mine = numbered(holders).filter((share) => holders[share] === me);
  if (mine.length <= quotaOf(me, members) || holders.includes(undefined)) return undefined;
  return byFitness(mine, me, members).findLast((share) => !kept.has(share));
}

function quotaOf(me: string, members: readonly Member[]): number {
  const services = servicesOf(members);
  if (services.length === 0) return SHARES;
  const rank = services.indexOf(me);
  if (rank < 0) return 0;
  const each = Math.floor(SHARES / services.length);
  return rank < SHARES % services.length ? each + 1 : each;
}

/** Those first that nobody else prefers: who comes at the same time does not reach for the same. */
function byFitness(shares: readonly number[], me: string, members: readonly Member[]): number[] {
  const services = servicesOf(members);
  const rank = services.indexOf(me);
  const isPreferred = (share: number): boolean => rank >= 0 && share % services.length === rank;
  return [...shares.filter(isPreferred), ...shares.filter((share) => !isPreferred(share))];
}

/** In an order that all agree on. */
function servicesOf(members: readonly Member[]): string[] {
  return members
    .filter(({ standsIn }) => !standsIn)
    .map(({ id }) => id)
    .toSorted();
}

function countOf(me: string, holders: Standing["holders"]): number {
  return holders.filter((holder) => holder === me).length;
}

function numbered(holders: Standing["holders"]): number[] {
  return holders.map((_, share) => share);
}
