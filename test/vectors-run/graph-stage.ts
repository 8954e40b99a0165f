/** What graphs of the test vectors run on: an executor, and the one worker of all runs, which is played. */
import { Graph } from "../../internal/core/graph.ts";
import type { Dag } from "../../internal/core/model.ts";
import type { BlobRef } from "../../internal/core/stored.ts";
import type { ExecutorService } from "../../internal/executor/service.ts";
import { systemClock, systemRandom } from "../../internal/memory/system.ts";
import type { Definitions } from "../../internal/ports/definitions.ts";
import type { RunLog } from "../../internal/ports/run-log.ts";
import type { Delivery, TaskQueue } from "../../internal/ports/task-queue.ts";
import { memoryExecutor } from "../support/memory-executor.ts";
import { FAN_OUT_LIMIT } from "./graph-case.ts";

/** More than any case has. */
const DEMAND = 10_000;
export const QUEUE = "default";

/** What the executor runs on. */
export interface OpenedPorts {
  readonly ports: Parameters<typeof memoryExecutor>[0];
  close(): Promise<void>;
}

/** An executor that runs, what it runs on, and the one worker of all runs. */
export interface Stage {
  readonly service: ExecutorService;
  readonly log: RunLog;
  readonly queue: TaskQueue;
  readonly definitions: Definitions;
  readonly worker: PlayedWorker;
  close(): Promise<void>;
}

export async function openStage({ ports, close }: OpenedPorts): Promise<Stage> {
  const definitions = new GivenDefinitions();
  const service = memoryExecutor(ports, {
    clock: systemClock,
    random: systemRandom,
    observer: { observe: () => undefined },
    definitions,
    lossCap: 0,
    fanOutLimit: FAN_OUT_LIMIT,
    windowOf: () => DEMAND,
  });
  await service.start();
  const { log, queue } = ports;
  return { service, log, queue, definitions, worker: await PlayedWorker.on(queue), close };
}

/** Definitions as they are given: here plugins hand through that are no gates, which no file can say. */
class GivenDefinitions implements Definitions {
  readonly #graphs = new Map<string, Graph>();

  async put(dag: Dag): Promise<BlobRef> {
    this.#graphs.set(dag.name, new Graph(dag));
    return { name: dag.name, bytes: 0, chunks: 0 };
  }
  get({ name }: BlobRef): Graph {
    const graph = this.#graphs.get(name);
    if (graph === undefined) throw new Error(`no definition '${name}'`);
    return graph;
  }
  async putSource(): Promise<BlobRef> {
    throw new Error("there are no sources here");
  }
  async source(): Promise<string> {
    throw new Error("there are no sources here");
  }
}

/** The worker of all runs of a stage. */
class PlayedWorker {
  /** By run: what was delivered, in order. */
  readonly #delivered = new Map<string, Delivery[]>();

  static async on(queue: TaskQueue): Promise<PlayedWorker> {
    const worker = new PlayedWorker();
    const intake = await queue.open(QUEUE, (delivery) => {
      worker.of(delivery.work.runId).push(delivery);
    });
    intake.demand(DEMAND);
    return worker;
  }

  of(runId: string): Delivery[] {
    let all = this.#delivered.get(runId);
    if (all === undefined) this.#delivered.set(runId, (all = []));
    return all;
  }
}
