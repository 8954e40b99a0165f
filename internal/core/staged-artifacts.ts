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
    const sets = this.#taken(id);
    if ("inline" in handed) return handed.inline;
    const pieces = sets?.get(handed.set) ?? [];
    const whole: ProducedArtifact[] = [];
    // Up to the first that is missing: the outcome may name any number of them.
    for (let piece = 0; piece < handed.pieces; piece++) {
      const told = pieces[piece];
      if (told === undefined) return undefined;
      for (const artifact of told.artifacts) whole.push(artifact);
    }
    return whole;
  }

  #taken(id: AttemptId): ReadonlyMap<string, readonly ArtifactPiece[]> | undefined {
    // Nearly no attempt has told any.
    if (this.#told.size === 0) return undefined;
    const key = attemptKey(id);
    const sets = this.#told.get(key);
    this.#told.delete(key);
    return sets;
  }

  forget(): void {
    this.#told.clear();
  }
}
