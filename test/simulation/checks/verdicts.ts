/** A worker that is well is never declared dead; nor is one whose loop is held up by its tasks. */
import type { Fleet } from "../actors/fleet.ts";
import type { Surroundings } from "../actors/program.ts";

export function checkDeath(
  incarnation: string,
  { world, server, settings }: Surroundings,
  fleet: Fleet,
): void {
  const worker = fleet.workerOf(incarnation);
  // Its life is shown by a thread of its own, which it has last.
  const life = worker?.links.at(-1);
  if (life === undefined || !life.process.isAlive || !life.isSound) return;
  const wellSince = Math.max(
    life.upSince,
    life.troubledAt,
    life.process.wokeAt,
    server.troubledAt,
    server.core.troubledAt,
  );
  const wellMs = world.now - wellSince;
  if (wellMs <= settings.deadAfterMs + settings.heartbeatMs) return;
  const forMs = Math.round(wellMs);
  world.fail("no live worker is declared dead", `${incarnation} has been well for ${forMs} ms`);
}
