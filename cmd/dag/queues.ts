/** `dag queues`: what waits, what is in flight, and who takes it. */
import type { Settings } from "../../internal/config/load.ts";
import type { QueueView } from "../../internal/core/cluster-view.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { table } from "../../internal/telemetry/text.ts";
import { withCluster } from "./cluster.ts";
import { askExecutor } from "./look.ts";

export async function queues({ json }: { readonly json: boolean }, settings: Settings): Promise<number> {
  const view = await withCluster(settings, askExecutor);
  if (json) {
    for (const queue of view.queues) process.stdout.write(`${toJson(queue, view.waits)}\n`);
    return 0;
  }
  if (view.queues.length === 0) {
    process.stdout.write("no queue: nothing waits, and no live worker takes anything\n");
    return 0;
  }
  const rows = view.queues.map((queue) => [
    queue.queue,
    String(queue.depth - queue.running),
    String(queue.running),
    String(queue.workers),
    isForsaken(queue) ? "waiting for a worker" : "",
  ]);
  const head = ["QUEUE", "WAITING", "IN FLIGHT", "WORKERS", ""];
  const notices = view.waits === undefined ? [] : [`! nothing more is queued: ${view.waits}`];
  const lines = [...table([head, ...rows], { width: lineWidth() }), ...notices];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

/** Something is there to be done, and nobody to do it. */
function isForsaken({ depth, workers }: QueueView): boolean {
  return depth > 0 && workers === 0;
}

function toJson(queue: QueueView, waits: string | undefined): string {
  return JSON.stringify({
    queue: queue.queue,
    waiting: queue.depth - queue.running,
    in_flight: queue.running,
    workers: queue.workers,
    waiting_for_worker: isForsaken(queue),
    waits: waits ?? null,
  });
}
