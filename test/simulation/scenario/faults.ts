/** What goes wrong, and when. Each seed picks some kinds of faults, so that it is not always all of them at once. */
import { readTaskSubject } from "../../../internal/contract/subjects.ts";
import type { Fleet } from "../actors/fleet.ts";
import { Forger } from "../actors/forger.ts";
import type { Program, Surroundings } from "../actors/program.ts";
import { CALM_CORE } from "../server/core-subjects.ts";
import { CALM } from "../server/server.ts";

type Fault = (surroundings: Surroundings, fleet: Fleet) => void;

function some<P extends Program>(
  programs: readonly P[],
  { world }: Surroundings,
  act: (program: P) => void,
): void {
  if (programs.length > 0) act(world.random.pick(programs));
}

function pause(program: Program, what: "all" | "loop", { world }: Surroundings): void {
  program.pause(what);
  const long = world.random.chance(0.4) ? 60_000 : 4_000;
  world.after(world.random.next() * long, `${program.name} may wake`, () => program.wake());
}

/** A mood of the server that lasts for a while. */
function forAWhile({ world, server }: Surroundings, mood: "isFull" | "isBusy", ms: number): void {
  server.moods[mood] = true;
  world.after(world.random.next() * ms, `${mood} ends`, () => (server.moods[mood] = false));
}

/** As one of the next copies goes into the queue that is not the first of its task. */
function inFanOut({ world, server, settings }: Surroundings, act: () => void): void {
  let left = world.random.below(4);
  const stop = server.tasks.listen({
    stored: ({ subject }) => {
      const { index = 0 } = readTaskSubject(subject) ?? {};
      if (index === 0 || left-- > 0) return;
      stop();
      if (world.now < settings.activeMs) world.after(0, "in a fan-out", act);
    },
  });
}

/** By name; some happen at a moment, some begin and end. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  "worker crashes": (around, { workers }) => some(workers, around, (worker) => worker.crash()),
  "executor crashes": (around, { executors }) => some(executors, around, (executor) => executor.crash()),
  "executors crash in a fan-out": (around, fleet) =>
    inFanOut(around, () => {
      for (const executor of fleet.executors) if (around.world.random.chance(0.7)) executor.crash();
    }),
  "worker crashes as it hands over": (around, { workers }) =>
    some(workers, around, (worker) => {
      worker.files.atNextOpen(() => {
        const { world, settings } = around;
        world.after(world.random.next() * 8 * settings.latencyMs, "handing over", () => worker.crash());
      });
    }),
  "worker stands still": (around, { workers }) =>
    some(workers, around, (worker) => pause(worker, "all", around)),
  "worker's loop is blocked": (around, { workers }) =>
    some(workers, around, (worker) => pause(worker, "loop", around)),
  "executor stands still": (around, { executors }) =>
    some(executors, around, (executor) => pause(executor, "all", around)),
  "connection reset": (around, { programs }) =>
    some(programs, around, ({ links }) => around.world.random.pick(links).reset()),
  "silent path": (around, { programs }) =>
    some(programs, around, (program) => {
      program.silence(around.world.random.next() * (around.world.random.chance(0.4) ? 60_000 : 8_000));
    }),
  "server killed": ({ world, server }) => {
    server.goDown("killed");
    world.after(world.random.next() * (world.random.chance(0.2) ? 40_000 : 3_000), "server", () =>
      server.comeUp(),
    );
  },
  "server restarted": ({ world, server }) => {
    server.goDown("in order");
    world.after(world.random.next() * (world.random.chance(0.2) ? 40_000 : 3_000), "server", () =>
      server.comeUp(),
    );
  },
  // From a backup that is some seconds old: of the log alone, or with what is kept beside it.
  "log restored": ({ world, server, truth }) => {
    const { runs, history, checkpoints } = server;
    const streams = world.random.chance(0.5) ? [runs] : [runs, history, checkpoints];
    const backups = streams.map((stream) => stream.backUp());
    world.after(world.random.next() * 5_000, "the log is put back", () => {
      server.goDown("killed");
      for (const [i, backup] of backups.entries()) streams[i]?.restore(backup);
      truth.rewound();
      world.after(1_000 + world.random.next() * 2_000, "server", () => server.comeUp());
    });
  },
  "server full": (around) => forAWhile(around, "isFull", 30_000),
  election: (around) => forAWhile(around, "isBusy", 8_000),
  "time steps": ({ world, server }) => server.stepTime(world.random.below(60_000) - 40_000),
  "acks lost": ({ world, server }) => (server.moods.lostAcks = world.random.next() * 0.3),
  "slow commits": ({ world, server }) => (server.moods.commitMs = world.random.next() * 50),
  "late wakes": ({ server }) => (server.moods.lateWakes = 0.3),
  "stale reads": ({ server }) => (server.moods.staleReads = 0.5),
  "core messages": ({ world, server }) => {
    const { random } = world;
    Object.assign(server.core.moods, {
      lost: random.next() * 0.3,
      doubled: random.next() * 0.2,
      late: random.next() * 0.3,
      lateMs: random.pick([100, 5_000, 40_000]),
    });
  },
  "core messages held up": ({ server }) => Object.assign(server.core.moods, { late: 0.4, lateMs: 3_000 }),
  "forged outcomes": (around) => new Forger(around).forge(),
  "a queue stalls": ({ world, server, settings }) =>
    server.consumer(world.random.pick(settings.queues)).stall(),
  "tasks lost": ({ world, server }) => {
    world.note("the stream of tasks is emptied");
    server.tasks.purge(() => true);
  },
};

/** Things that are done to a sound cluster, and may not do any harm. */
export const RESTARTS: Readonly<Record<string, Fault>> = {
  "worker drains": (around, { workers }) => {
    const hurried = around.world.random.chance(0.2);
    if (workers.length > 0) void around.world.random.pick(workers).drain({ hurried });
  },
  "executor restarts": (around, { executors }) => {
    if (executors.length > 0) void around.world.random.pick(executors).stop();
  },
};

/** Of much that can follow from one of these little is likely. */
const OFTEN = ["forged outcomes", "core messages held up", "stale reads"];
const MAX_KINDS = 5;
const MAX_TIMES = 4;
/** Where nothing goes wrong, shares change hands the more often. */
const MAX_TIMES_CALM = 12;

/** Plans the faults of a seed. */
export function planFaults(around: Surroundings, fleet: Fleet): void {
  const { world, settings } = around;
  const { random } = world;
  const plan = (name: string, fault: Fault): void => {
    const times = 1 + random.below(settings.isCalm ? MAX_TIMES_CALM : MAX_TIMES);
    for (let i = 0; i < times; i++) {
      world.after(random.next() * settings.activeMs, name, () => fault(around, fleet));
    }
  };
  for (const [name, restart] of Object.entries(RESTARTS)) {
    if (random.chance(settings.isCalm ? 0.8 : 0.4)) plan(name, restart);
  }
  if (settings.isCalm) return;
  const names = Object.keys(FAULTS);
  const picked = Array.from({ length: 1 + random.below(MAX_KINDS) }, () => random.pick(names));
  const kinds = new Set([...picked, ...OFTEN.filter(() => random.chance(0.3))]);
  for (const name of kinds) {
    const fault = FAULTS[name];
    if (fault !== undefined) plan(name, fault);
  }
}

/** From here on nothing new goes wrong; what stands still or is cut off comes back in its own time. */
export function heal({ world, server }: Surroundings): void {
  world.note("the faults are over");
  Object.assign(server.moods, { ...CALM, followLagMs: server.moods.followLagMs });
  Object.assign(server.core.moods, CALM_CORE);
  server.comeUp();
}
