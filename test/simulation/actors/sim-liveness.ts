/** The real pulse of a worker on a thread of its own, as its program keeps it: with a loop and a connection that no task holds up. */
import type { Lifeline, Liveness } from "../../../internal/ports/liveness.ts";
import { Pulse } from "../../../internal/worker/pulse.ts";
import { SimPresence } from "../ports/presence.ts";
import { extendBy } from "../ports/task-queue.ts";
import type { Settings } from "../scenario/settings.ts";
import type { Part, Program } from "./program.ts";

/** What a message between threads takes. */
const POST_MS = 0.02;

export function simLiveness(
  program: Program,
  { heartbeatMs, ackWaitMs }: Settings,
  onGoodbye: () => void,
): Liveness {
  const thread = program.part(`${program.name}'s life`);
  const { process, client } = thread;
  let blockedSince: number | undefined;
  program.process.onPause(() => (blockedSince = process.clock.monotonic()));
  program.process.onWake(() => (blockedSince = undefined));
  return {
    begin: async (identity, status) => {
      const pulse = new Pulse(
        {
          presence: new SimPresence(client),
          queue: { extend: (receipts) => extendBy(client, receipts) },
          clock: process.clock,
          heartbeatMs,
          ackWaitMs,
          blockedMs: () => (blockedSince === undefined ? 0 : process.clock.monotonic() - blockedSince),
        },
        identity,
        status,
      );
      await toThread(thread, program, () => pulse.begin());
      const stop = (): Promise<void> => {
        onGoodbye();
        return pulse.stop();
      };
      return { ...lifelineOf(thread, pulse), stop: () => toThread(thread, program, stop) };
    },
  };
}

function lifelineOf(thread: Part, pulse: Pulse): Omit<Lifeline, "stop"> {
  const post = (label: string, act: () => void): void => {
    const { process } = thread;
    process.world.after(POST_MS, `${process.name} hears ${label}`, () => process.reach(label, act));
  };
  return {
    hold: (copies, n) => post("hold", () => pulse.hold(copies, n)),
    letGo: (attempt) => post("let go", () => pulse.letGo(attempt)),
    update: (status) => post("update", () => pulse.update(status)),
    beat: () => post("beat", () => pulse.beat()),
  };
}

/** Resolves in the program when the thread has done it. */
function toThread({ process }: Part, program: Program, act: () => Promise<void>): Promise<void> {
  const { world } = process;
  return new Promise((resolve, reject) => {
    const back = (settle: () => void): void => {
      world.after(POST_MS, `${program.name} hears its thread`, () => program.process.reach("thread", settle));
    };
    world.after(POST_MS, `${process.name} is asked`, () =>
      process.reach("asked", () => {
        act().then(
          () => back(resolve),
          (error: Error) => back(() => reject(error)),
        );
      }),
    );
  });
}
