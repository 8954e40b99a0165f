/** Blobs, lease, dead letters and desk. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { BlobDamaged, BlobMissing, NotWanted } from "../../internal/ports/blobs.ts";
import { type ExecutorView, merged } from "../../internal/core/cluster-view.ts";
import type { Lease } from "../../internal/ports/lease.ts";
import { until } from "../support/until.ts";
import type { Fixture, MakeFixture } from "./fixture.ts";
import { noise } from "./samples.ts";

const TERM_MS = 1_500;
const PIECE = 512 * 1_024;

export function blobsSuite(name: string, make: MakeFixture): void {
  describe(`blobs: ${name}`, () => {
    it.each([0, 1, 512 * 1_024, 512 * 1_024 + 1, 5 * 1_024 * 1_024])(
      "keeps %i bytes as they are",
      async (size) => {
        await using fixture = await make();
        const [writer, reader] = [await fixture.open(), await fixture.open()];
        const bytes = noise(size);
        const ref = await writer.blobs.put({ runId: "run-1" }, "out-a-0-1", bytes);
        expect(ref).toMatchObject({ name: "out-a-0-1", bytes: size });
        const read = await reader.blobs.get({ runId: "run-1" }, ref);
        expect(Buffer.compare(read, bytes)).toBe(0);
      },
    );

    it("keeps a copy of its own", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const bytes = Buffer.from([1, 2, 3]);
      const ref = await blobs.put("definitions", "copied", bytes);
      bytes[0] = 99;
      const read = await blobs.get("definitions", ref);
      expect(read).toEqual(Uint8Array.of(1, 2, 3));
      read[0] = 98;
      expect(await blobs.get("definitions", ref)).toEqual(Uint8Array.of(1, 2, 3));
    });

    it("keeps the first bytes of a name", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const first = await blobs.put("definitions", "hash", noise(10));
      await blobs.put("definitions", "hash", noise(10, 2));
      expect(Buffer.compare(await blobs.get("definitions", first), noise(10))).toBe(0);
    });

    it("keeps owners apart, whatever they are called", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const owners = ["definitions", { runId: "a" }, { runId: "def" }, { runId: "definitions" }] as const;
      const refs = await Promise.all(owners.map((owner, i) => blobs.put(owner, "same", noise(100, i))));
      for (const [i, owner] of owners.entries()) {
        const ref = refs[i];
        if (ref === undefined) throw new Error("no reference");
        expect(Buffer.compare(await blobs.get(owner, ref), noise(100, i))).toBe(0);
      }
    });

    it("removes what belongs to a run, and nothing else", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const gone = await blobs.put({ runId: "gone" }, "big", noise(2 * 1_024 * 1_024));
      const kept = await blobs.put({ runId: "gone-not" }, "big", noise(10));
      const definition = await blobs.put("definitions", "gone", noise(10));
      await blobs.removeRun("gone");
      await expect(blobs.get({ runId: "gone" }, gone)).rejects.toThrow(BlobMissing);
      expect(await blobs.get({ runId: "gone-not" }, kept)).toHaveLength(10);
      expect(await blobs.get("definitions", definition)).toHaveLength(10);
    });

    it("says which value is missing", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const asking = blobs.get("definitions", { name: "nowhere", bytes: 3, chunks: 1 });
      await expect(asking).rejects.toThrow("the stored value 'nowhere' is gone");
      await expect(asking).rejects.toMatchObject({ code: "BLOB_MISSING" });
    });
  });

  describe(`streams of blobs: ${name}`, () => {
    const place = { owner: { runId: "run-1" }, name: "art-a-0-1" } as const;
    const wanted = new AbortController().signal;

    it.each([
      [0, 1],
      [1, 1],
      [PIECE, PIECE],
      [PIECE + 1, 100_000],
      [3 * PIECE, 7 * PIECE],
      [20 * PIECE + 5, 64 * 1_024],
    ])("keeps %i bytes that come %i at a time", async (size, step) => {
      await using fixture = await make();
      const [writer, reader] = [await fixture.open(), await fixture.open()];
      const bytes = noise(size);
      const ref = await writer.blobs.putStream(place, partsOf(bytes, step), wanted);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      expect(ref).toMatchObject({ name: place.name, bytes: size, sha256 });
      const read = await collected(reader.blobs.getStream(place.owner, ref));
      expect(Buffer.compare(read, bytes)).toBe(0);
      expect(Buffer.compare(await reader.blobs.get(place.owner, ref), bytes)).toBe(0);
    });

    it("says that what is kept is not what was stored", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const ref = await blobs.putStream(place, partsOf(noise(10), 3), wanted);
      const other = { ...ref, sha256: "0".repeat(64) };
      await expect(collected(blobs.getStream(place.owner, other))).rejects.toThrow(BlobDamaged);
    });

    it("ends with what the parts end with, and when it is not wanted any more", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield noise(10);
        throw new Error("the file is gone");
      };
      await expect(blobs.putStream(place, broken(), wanted)).rejects.toThrow("the file is gone");
      const stop = new AbortController();
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        for (let i = 0; ; i++) {
          if (i === 40) stop.abort();
          yield noise(PIECE);
        }
      };
      const other = { ...place, name: "art-a-0-2" };
      await expect(blobs.putStream(other, endless(), stop.signal)).rejects.toThrow(NotWanted);
    });

    it("is removed with its run", async () => {
      await using fixture = await make();
      const { blobs } = await fixture.open();
      const ref = await blobs.putStream(place, partsOf(noise(2 * PIECE), PIECE), wanted);
      await blobs.removeRun(place.owner.runId);
      await expect(collected(blobs.getStream(place.owner, ref))).rejects.toThrow(BlobMissing);
    });
  });
}

async function* partsOf(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

async function collected(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

async function openLease(fixture: Fixture): Promise<Lease> {
  return (await fixture.open()).leases.named("one");
}

export function leaseSuite(name: string, make: MakeFixture): void {
  describe(`lease: ${name}`, () => {
    it("is one owner's until it is given up", async () => {
      await using fixture = await make();
      const [one, two] = [await openLease(fixture), await openLease(fixture)];
      expect(await two.holder()).toBeUndefined();
      expect(await one.acquire("one")).toBe(true);
      expect(await two.acquire("two")).toBe(false);
      expect(await two.holder()).toBe("one");
      expect(await one.acquire("one")).toBe(true);
      expect(await one.renew("one")).toBe(true);
      await two.release("two");
      expect(await two.holder()).toBe("one");
      await one.release("one");
      expect(await two.holder()).toBeUndefined();
      expect(await one.renew("one")).toBe(false);
      expect(await two.acquire("two")).toBe(true);
      expect(await one.acquire("one")).toBe(false);
      await two.release("two");
      expect(await one.acquire("one")).toBe(true);
    });

    it("is not taken by a renewal", async () => {
      await using fixture = await make();
      const [one, two] = [await openLease(fixture), await openLease(fixture)];
      expect(await one.renew("one")).toBe(false);
      expect(await one.holder()).toBeUndefined();
      await two.acquire("two");
      expect(await one.renew("one")).toBe(false);
      expect(await two.renew("one")).toBe(false);
      expect(await two.renew("two")).toBe(true);
    });

    it("has one winner when many ask at once", async () => {
      await using fixture = await make();
      const all = await Promise.all(Array.from({ length: 4 }, () => openLease(fixture)));
      const won = await Promise.all(all.map((lease, i) => lease.acquire(`p${i}`)));
      expect(won.filter(Boolean)).toHaveLength(1);
    });

    it("ends after its term, and not while it is renewed", async () => {
      await using fixture = await make({ leaseTermMs: TERM_MS });
      const [one, two] = [await openLease(fixture), await openLease(fixture)];
      expect(one.termMs).toBe(TERM_MS);
      await one.acquire("one");
      for (let i = 0; i < 5; i++) {
        await fixture.elapse(TERM_MS / 3);
        expect(await one.renew("one")).toBe(true);
        expect(await two.acquire("two")).toBe(false);
      }
      await until(
        async () => {
          await fixture.elapse(TERM_MS / 10);
          return two.acquire("two");
        },
        () => two.holder(),
      );
      expect(await one.renew("one")).toBe(false);
      expect(await one.holder()).toBe("two");
    });

    it("is one of many, by name", async () => {
      await using fixture = await make();
      const [one, two] = [(await fixture.open()).leases, (await fixture.open()).leases];
      expect(await one.named("share.1").acquire("one")).toBe(true);
      expect(await two.named("share.10").acquire("two")).toBe(true);
      expect(await two.named("share.1").acquire("two")).toBe(false);
      await two.named("share.10").release("two");
      expect(await two.named("share.1").holder()).toBe("one");
    });

    it("shows on every board who holds what, at once also when it is given up", async () => {
      await using fixture = await make();
      const [one, two] = [(await fixture.open()).leases, (await fixture.open()).leases];
      await one.named("a").acquire("one");
      await one.named("gone").acquire("one");
      await one.named("gone").release("one");
      let changes = 0;
      const board = await two.watch(() => void changes++);
      expect([...board.holders()]).toEqual([["a", "one"]]);
      await one.named("b").acquire("one");
      await until(
        () => board.holders().get("b") === "one",
        () => [...board.holders()],
      );
      const before = changes;
      await one.named("b").release("one");
      await until(
        () => board.holders().size === 1,
        () => [...board.holders()],
      );
      expect(changes).toBeGreaterThan(before);
      await board.stop();
    });

    it("is gone from the boards after its term, and from a new one before that", async () => {
      await using fixture = await make({ leaseTermMs: TERM_MS });
      const [one, two] = [(await fixture.open()).leases, (await fixture.open()).leases];
      const [lapses, stays] = [one.named("lapses"), one.named("stays")];
      await lapses.acquire("one");
      await stays.acquire("one");
      const board = await two.watch(() => undefined);
      await fixture.elapse((TERM_MS * 2) / 3);
      await stays.renew("one");
      // One that looks only now knows all the same how old each is.
      const late = await two.watch(() => undefined);
      expect([...late.holders().keys()].toSorted()).toEqual(["lapses", "stays"]);
      await fixture.elapse(TERM_MS / 2);
      for (const { holders } of [board, late]) {
        await until(
          () => [...holders().keys()].join() === "stays",
          () => [...holders()],
        );
      }
    });
  });
}

const VIEW: ExecutorView = {
  executor: "executor-1",
  executors: 1,
  shares: [0, 4],
  workers: [
    {
      workerId: "worker-1",
      host: "node-a",
      pid: 12,
      queues: ["default"],
      functions: ["echo"],
      slots: 4,
      active: 1,
      draining: false,
      blockedMs: 3_000,
      silentMs: 1_250.5,
    },
  ],
  held: [{ runId: "run-1", task: "a", index: 0, attempt: 1, workerId: "worker-1", sinceMs: 20 }],
  queues: [{ queue: "default", depth: 3, queued: 3, window: 100, running: 2, workers: 1 }],
  activeRuns: 1,
};

export function deskSuite(name: string, make: MakeFixture): void {
  describe(`desk: ${name}`, () => {
    it("answers while somebody serves", async () => {
      await using fixture = await make();
      const [executor, asker] = [await fixture.open(), await fixture.open()];
      expect(await asker.desk.ask(20_000)).toBeUndefined();
      const serving = await executor.desk.serve(() => VIEW);
      expect(await asker.desk.ask(20_000)).toEqual(merged([VIEW]));
      await serving.stop();
      await until(async () => (await asker.desk.ask(20_000)) === undefined);
    });

    it("brings together what all say who drive runs, and waits for nobody else", async () => {
      await using fixture = await make();
      const [one, two, idle, asker] = [
        await fixture.open(),
        await fixture.open(),
        await fixture.open(),
        await fixture.open(),
      ];
      const held = { ...VIEW.held[0], runId: "run-2" } as (typeof VIEW.held)[number];
      const views = [
        { ...VIEW, executors: 2 },
        { ...VIEW, executor: "executor-2", executors: 2, shares: [1], held: [held], activeRuns: 4 },
      ] as const;
      await one.desk.serve(() => views[0]);
      await two.desk.serve(() => views[1]);
      await idle.desk.serve(() => undefined);
      const seen = await asker.desk.ask(20_000);
      expect(seen).toMatchObject({
        executors: ["executor-1", "executor-2"],
        shares: [0, 1, 4],
        workers: [{ workerId: "worker-1", slots: 4, active: 2 }],
        queues: [{ queue: "default", depth: 6, queued: 6, window: 200, running: 4, workers: 1 }],
        activeRuns: 5,
      });
      expect(seen?.held.map(({ runId }) => runId).toSorted()).toEqual(["run-1", "run-2"]);
    });
  });
}
