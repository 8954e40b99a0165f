/** A small stable hash: part of the wire contract (partitions) and of replay (jitter). Never change it. */

/** FNV-1a over UTF-16 code units, then a final mix so that near keys lie far apart; 0 to 2^32 - 1. */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** How many partitions the run log has, for ever. */
export const PARTITIONS = 64;

/** Partitions are held in shares: one executor drives all runs of a share. */
export const SHARES = 16;

export function shareOf(partition: number): number {
  return partition % SHARES;
}

export function partitionsOf(share: number): number[] {
  return Array.from({ length: PARTITIONS / SHARES }, (_, i) => share + i * SHARES);
}

/** All runs of one DAG of one tenant lie in one partition, and so within one fold. */
export function partitionOf(tenantId: string, dagName: string): number {
  return hash32(`${tenantId}\u0000${dagName}`) % PARTITIONS;
}
