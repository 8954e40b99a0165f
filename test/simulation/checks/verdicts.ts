/** A worker that is well is never declared dead; nor is one whose loop is held up by its tasks. */
import type { Observation } from "../../../internal/ports/observer.ts";
import type { Fleet } from "../actors/fleet.ts";
import type { Surroundings } from "../actors/program.ts";

/** A connection that is back for so long is not gone. */
const BACK_MS = 1_500;

export function checkDeath(
  { incarnation, sign }: Extract<Observation, { kind: "worker-dead" }>,
  { world, server, settings }: Surroundings,
  fleet: Fleet,
): void {
  const worker = fleet.workerOf(incarnation);
  // Its life is shown by a thread of its own, which it has last.
  const life = worker?.links.at(-1);
  if (life === undefined || !life.process.isAlive || !life.isSound) return;
  // It has ended in order, but nobody heard of that: its connection was away just then.
  if (worker?.hasEnded === true) return;
  const { names, core } = server;
  const notices = [names.heartbeat(incarnation), names.took(incarnation), names.probe(incarnation)];
  const lostAt = notices.map((subject) => core.troubledAt.get(subject) ?? Number.NEGATIVE_INFINITY);
  const { upSince, troubledAt, process } = life;
  const wellSince = Math.max(upSince, troubledAt, process.wokeAt, server.troubledAt, ...lostAt);
  const wellMs = world.now - wellSince;
  if (wellMs <= (sign === "silent" ? settings.deadAfterMs : BACK_MS)) return;
  const forMs = Math.round(wellMs);
  world.fail("no live worker is declared dead", `${incarnation}: ${sign}, but well for ${forMs} ms`);
}
