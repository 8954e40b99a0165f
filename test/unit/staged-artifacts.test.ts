/** Artifacts that an attempt tells in pieces before its outcome: which of them count. */
import { expect, test } from "vitest";
import type { ArtifactPiece } from "../../internal/core/artifact.ts";
import type { Outcome } from "../../internal/core/outcome.ts";
import { dag, task } from "../support/dags.ts";
import { failed, RUN_SEQ, TestRun } from "../support/facts.ts";

function piece(ids: readonly string[], more: Partial<ArtifactPiece> = {}): ArtifactPiece {
  const artifacts = ids.map((id) => ({ id, name: "", size: null, mimeType: null, metadata: {} }));
  return { task: "a", index: 0, attempt: 1, set: "s", piece: 0, artifacts, ...more };
}

function completed(pieces: number, more: { readonly attempt?: number; readonly set?: string } = {}): Outcome {
  const { attempt = 1, set = "s" } = more;
  return { task: "a", index: 0, attempt, state: "completed", durationMs: 1, artifacts: { set, pieces } };
}

class Told extends TestRun {
  #n = 0;

  constructor() {
    super(dag([task("a", { retries: 1 })]));
  }

  pieces(...pieces: ArtifactPiece[]): void {
    this.add({
      kind: "outcomes",
      runSeq: RUN_SEQ,
      items: [],
      pieces,
      queue: "q",
      incarnation: "p",
      n: ++this.#n,
    });
  }
  get ids(): readonly string[] {
    return this.fold.artifacts.producedBy(0).map(({ id }) => id);
  }
}

test("in their order, whatever the one in which they were told; the first of a place counts", () => {
  const run = new Told();
  run.pieces(piece(["3"], { piece: 1 }), piece(["1", "2"]), piece(["other"]));
  run.outcomes(completed(2));
  expect(run.ids).toEqual(["1", "2", "3"]);
});

test("of the set that the outcome names: the attempt may have run twice", () => {
  const run = new Told();
  run.pieces(piece(["1"]), piece(["x"], { set: "t" }), piece(["y"], { set: "t", piece: 1 }));
  run.outcomes(completed(2, { set: "t" }));
  expect(run.ids).toEqual(["x", "y"]);
});

test("of the attempt that counts alone, though another had a set of the same name", () => {
  const run = new Told();
  run.pieces(piece(["1"]));
  run.outcomes(failed("a", 1, "lost"));
  run.outcomes(completed(1, { attempt: 2 }));
  expect(run.states()).toEqual({ a: "retrying" });
});

// It may name any number of them, and everybody who reads the log would have to make room for so many.
test.each([1, 3, 4_294_967_296, Number.MAX_SAFE_INTEGER])(
  "an outcome that names %d, of which some are missing, is a failure",
  (pieces) => {
    const run = new Told();
    run.pieces(piece(["2"], { piece: 1 }), piece(["1"], { piece: pieces === 1 ? 7 : 0 }));
    run.outcomes(completed(pieces));
    expect(run.states()).toEqual({ a: "retrying" });
  },
);
