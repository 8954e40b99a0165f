/** What the streams must be like; the adapters create them so where they are missing. */
import type { Names } from "./subjects.ts";

export interface StreamSpec {
  readonly name: string;
  readonly subjects: string;
  readonly retention: "limits" | "workqueue";
  /** One message a subject: the first write wins and the second is refused, or the newest takes the place of the one before. */
  readonly perSubject: "first" | "newest";
  /** Beyond so much the oldest go; without it nothing ever goes by itself. */
  readonly keepNewest?: Bounds;
}

export interface Bounds {
  readonly messages: number;
  readonly bytes: number;
  /** In milliseconds. Default: none. */
  readonly ageMs?: number;
}

/** How much is kept of the logs of attempts. */
export interface LogBounds {
  readonly bytes: number;
  readonly ageMs: number;
}

/** Until an executor says otherwise. */
export const LOG_BOUNDS: LogBounds = { bytes: 1_024 * 1_024 * 1_024, ageMs: 7 * 24 * 60 * 60_000 };

/** Each takes some 300 bytes of the server's memory. */
const MAX_LOG_BATCHES = 500_000;

export function streamSpecs(names: Names): StreamSpec[] {
  return [
    { name: names.runsStream, subjects: names.allFacts, retention: "limits", perSubject: "first" },
    { name: names.tasksStream, subjects: names.allTasks, retention: "workqueue", perSubject: "first" },
    { name: names.blobsStream, subjects: names.allBlobs, retention: "limits", perSubject: "first" },
    { name: names.dagsStream, subjects: names.allVersions, retention: "limits", perSubject: "first" },
    { name: names.historyStream, subjects: names.allHistory, retention: "limits", perSubject: "newest" },
    {
      name: names.checkpointsStream,
      subjects: names.allCheckpoints,
      retention: "limits",
      perSubject: "newest",
    },
    {
      name: names.deadStream,
      subjects: names.allDead,
      retention: "limits",
      perSubject: "newest",
      keepNewest: { messages: 10_000, bytes: 32 * 1_024 * 1_024 },
    },
  ];
}

/** It is not among the others: its bounds can be set, and work goes on without it. */
export function logsSpec(names: Names, { bytes, ageMs }: LogBounds): StreamSpec & { keepNewest: Bounds } {
  return {
    name: names.logsStream,
    subjects: names.allLogs,
    retention: "limits",
    perSubject: "newest",
    keepNewest: { messages: MAX_LOG_BATCHES, bytes, ageMs },
  };
}

/** Large values are stored in pieces of this many bytes, well below the server's limit for a message. */
export const CHUNK_BYTES = 512 * 1_024;

/** More than the largest window, so that the window decides. */
export const MAX_ACK_PENDING = 20_000;

/** Each worker has one request or two waiting at a queue; beyond this number they are refused for a while. */
export const MAX_WAITING = 10_000;
