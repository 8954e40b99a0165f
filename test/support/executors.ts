/** The three executors of the library, which are held to one behaviour. */
import { DistributedExecutor, LocalExecutor, SequentialExecutor } from "../../cmd/library/jetdag.ts";
import type { LibraryExecutor } from "../../cmd/library/library-executor.ts";
import type { ExecutorOptions } from "../../cmd/library/options.ts";

export const KINDS = ["sequential", "local", "distributed"] as const;

export interface TestExecutorOptions extends Pick<ExecutorOptions, "observer" | "gracePeriod"> {
  /** Address of the server for the distributed one. */
  readonly nats: string;
}

export function createExecutor(
  kind: (typeof KINDS)[number],
  { nats, ...options }: TestExecutorOptions,
): LibraryExecutor {
  switch (kind) {
    case "sequential":
      return new SequentialExecutor(options);
    case "local":
      return new LocalExecutor(options);
    case "distributed":
      return new DistributedExecutor({ ...options, nats, workerCount: 5 });
  }
}
