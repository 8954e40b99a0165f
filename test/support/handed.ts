/** Outcomes of instances that hand something over, or fail. */
import type { ProducedArtifact } from "../../internal/core/artifact.ts";
import type { Outcome } from "../../internal/core/outcome.ts";

interface Which {
  /** Default 0. */
  readonly index?: number;
  /** Default 1. */
  readonly attempt?: number;
}

/** Records by their names. */
export function handsOver(
  task: string,
  names: readonly string[],
  { index = 0, attempt = 1 }: Which = {},
): Outcome {
  const artifacts = names.map((name): ProducedArtifact => {
    return { id: `${task}.${index}.${name}`, name, size: null, mimeType: null, metadata: {} };
  });
  const ended = { task, index, attempt, worker: "w", durationMs: 5 };
  return { ...ended, state: "completed", artifacts: { inline: artifacts } };
}

export function fails(task: string, { index = 0, attempt = 1 }: Which = {}): Outcome {
  const error = { reason: "exit-nonzero", message: "exit code 3", exitCode: 3 } as const;
  return { task, index, attempt, worker: "w", durationMs: 5, state: "failed", error };
}

/** `file0`, `file1` … */
export function files(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `file${i}`);
}
