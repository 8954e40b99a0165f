/** What the streams must be like; the adapters create them so where they are missing. */
import type { Names } from "./subjects.ts";

export interface StreamSpec {
  readonly name: string;
  readonly subjects: string;
  readonly retention: "limits" | "workqueue";
  /** One message a subject: the first write wins and the second is refused, or the newest takes the place of the one before. */
  readonly perSubject: "first" | "newest";
  /** Beyond so much the oldest go; without it nothing ever goes by itself. */
  readonly keepNewest?: { readonly messages: number; readonly bytes: number };
}

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

/** Large values are stored in pieces of this many bytes, well below the server's limit for a message. */
export const CHUNK_BYTES = 512 * 1_024;

/** More than the largest window, so that the window decides. */
export const MAX_ACK_PENDING = 20_000;

/** Each worker has one request or two waiting at a queue; beyond this number they are refused for a while. */
export const MAX_WAITING = 10_000;
