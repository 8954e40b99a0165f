/** Who reads a value while the server does not answer. */
import { TimeoutError } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { NatsBlobs } from "../../internal/nats/blobs.ts";
import type { Context } from "../../internal/nats/context.ts";

const OWNER = { runId: "run" };
const REF = { name: "in", bytes: 2, chunks: 1 };
const OUTAGE_MS = 120_000;

let isUp: boolean;
let blobs: NatsBlobs;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  isUp = false;
  const getMessage = async (): Promise<unknown> => {
    if (!isUp) throw new TimeoutError();
    return { subject: "in", data: Uint8Array.of(1, 2), seq: 1, timestamp: "2026-01-31T12:00:00Z" };
  };
  const jsm = { direct: { getMessage }, streams: { getMessage } };
  blobs = new NatsBlobs({ jsm, names: { blobChunk: () => "in" } } as unknown as Context);
});

afterEach(() => {
  vi.useRealTimers();
});

test("waits for as long as it takes when it says so", async () => {
  const reading = blobs.get(OWNER, REF, { until: new AbortController().signal });
  reading.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(OUTAGE_MS);
  isUp = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await reading).toEqual(Uint8Array.of(1, 2));
});

test("waits no longer than it is wanted", async () => {
  const stop = new AbortController();
  const reading = blobs.get(OWNER, REF, { until: stop.signal });
  reading.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(OUTAGE_MS);
  stop.abort();
  await vi.advanceTimersByTimeAsync(1_000);
  await expect(reading).rejects.toThrow(TimeoutError);
});

test("is told after half a minute otherwise", async () => {
  const reading = blobs.get(OWNER, REF);
  reading.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(31_000);
  await expect(reading).rejects.toThrow(TimeoutError);
});
