/** Artifacts that attempts have told in pieces, until their outcomes say that they count. */
import { attemptKey, type AttemptId } from "./attempt.ts";
import type { ArtifactPiece, Handed, ProducedArtifact } from "./artifact.ts";

export class StagedArtifacts {
  /** By attempt: the pieces of each set that was told of it. */
  readonly #told = new Map<string, Map<string, ArtifactPiece[]>>();

  add(id: AttemptId, piece: ArtifactPiece): void {
    const key = attemptKey(id);
    const sets = this.#told.get(key) ?? new Map<string, ArtifactPiece[]>();
    this.#told.set(key, sets);
    const pieces = sets.get(piece.set) ?? [];
    pieces[piece.piece] ??= piece;
    sets.set(piece.set, pieces);
  }

  /** What the attempt handed over; `undefined` when pieces of it are missing. Nothing of it is kept. */
  take(id: AttemptId, handed: Handed): readonly ProducedArtifact[] | undefined {
    const key = attemptKey(id);
    const sets = this.#told.get(key);
    this.#told.delete(key);
    if ("inline" in handed) return handed.inline;
    const pieces = Array.from({ length: handed.pieces }, (_, i) => sets?.get(handed.set)?.[i]);
    const whole = pieces.flatMap((piece) => piece?.artifacts ?? []);
    return pieces.includes(undefined) ? undefined : whole;
  }

  forget(): void {
    this.#told.clear();
  }
}
