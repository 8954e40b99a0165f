/** The thread that shows the lives of a process's workers, whatever the tasks do to the loop of the process. */
import { parentPort, workerData } from "node:worker_threads";
import { isBlocked } from "../../internal/core/liveness.ts";
import { systemClock } from "../../internal/memory/system.ts";
import { ConnectFailed } from "../../internal/nats/connection.ts";
import { type LifelineCluster, openLifeline } from "../../internal/nats/lifeline.ts";
import { Pulse } from "../../internal/worker/pulse.ts";
import { LoopWatch } from "./loop-watch.ts";
import type { FromThread, ThreadSettings, ToThread } from "./messages.ts";

const RETRY_MS = 1_000;

if (parentPort === null) throw new Error("internal: this is a thread, and no program");
const port = parentPort;
const settings = workerData as ThreadSettings;
const pulses = new Map<string, Pulse>();
const cluster = await connect();
const loop = new LoopWatch({
  ask: () => say({ kind: "are-you-there" }),
  onAnswer: (ms) => {
    if (isBlocked(ms)) say({ kind: "was-blocked", ms: Math.round(ms) });
  },
});
// What came before has waited for this.
port.on("message", (message: ToThread) => hear(message));

function say(message: FromThread): void {
  port.postMessage(message);
}

function hear(message: ToThread): void {
  switch (message.kind) {
    case "here":
      loop.answered();
      return;
    case "begin":
      void begin(message);
      return;
    case "holds": {
      const pulse = pulses.get(message.of);
      for (const attempt of message.letGo) pulse?.letGo(attempt);
      pulse?.hold(message.taken, message.n);
      return;
    }
    case "update":
      pulses.get(message.of)?.update(message.status);
      return;
    case "beat":
      pulses.get(message.of)?.beat();
      return;
    case "stop":
      void stop(message.of);
  }
}

async function begin({ identity, status }: ToThread & { kind: "begin" }): Promise<void> {
  const { heartbeatMs, ackWaitMs } = settings;
  const { presence, queue } = cluster;
  const pulse = new Pulse(
    { presence, queue, clock: systemClock, heartbeatMs, ackWaitMs, blockedMs: () => loop.blockedMs },
    identity,
    status,
  );
  pulses.set(identity.incarnation, pulse);
  await pulse.begin();
  say({ kind: "begun", of: identity.incarnation });
}

async function stop(incarnation: string): Promise<void> {
  await pulses.get(incarnation)?.stop();
  pulses.delete(incarnation);
  await cluster.sent();
  say({ kind: "stopped", of: incarnation });
}

/** The process is connected, so this will be too. */
async function connect(): Promise<LifelineCluster> {
  for (;;) {
    try {
      return await openLifeline({
        ...settings,
        name: "jetdag worker's life",
        onTrouble: (what) => say({ kind: "trouble", what }),
      });
    } catch (error) {
      if (!(error instanceof ConnectFailed)) throw error;
      say({ kind: "trouble", what: `showing the worker's life: ${error.message}` });
    }
    await new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS);
    });
  }
}
