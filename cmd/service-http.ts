/** The HTTP port of a service and the metrics that it shows; neither is there unless it was asked for. */
import { openServicePort } from "../internal/server/service-port.ts";
import type { Observer } from "../internal/ports/observer.ts";
import { logObserver, tellAll } from "../internal/telemetry/log-observer.ts";
import type { Logger } from "../internal/telemetry/logger.ts";
import type { Metrics } from "../internal/telemetry/metrics.ts";

export interface ServiceHttpOptions {
  readonly service: "executor" | "worker";
  /** Off without it; 0 takes one that is free. */
  readonly port: number | undefined;
  readonly logger: Logger;
  createMetrics(): Metrics;
  /** Why it cannot do its work now; nothing when it can. */
  whyNotReady(): string | undefined;
}

export interface ServiceHttp {
  /** Makes log lines, and metrics where they are shown. */
  readonly observer: Observer;
  close(): Promise<void>;
}

/** Rejects with `PortNotUsable`. */
export async function openServiceHttp(options: ServiceHttpOptions): Promise<ServiceHttp> {
  const { service, port, logger, whyNotReady } = options;
  const log = logObserver(logger);
  if (port === undefined) return { observer: log, close: async () => undefined };
  const metrics = options.createMetrics();
  const open = await openServicePort({ port, service, whyNotReady, metrics });
  logger.info({ port: open.port }, "http listening");
  return { observer: tellAll([log, metrics]), close: open.close };
}
