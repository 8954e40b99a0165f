/** A dead letter, for a person. */
import type { CrashedLetter, StoredLetter, UnreadableLetter } from "../../internal/ports/dead-letters.ts";
import { instanceName } from "../../internal/core/instance-name.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { columns, oneLine, shortDuration, table } from "../../internal/telemetry/text.ts";
import { readable } from "./bytes.ts";

export function letterText({ head, letter }: StoredLetter, width: number): string[] {
  return letter.kind === "unreadable"
    ? unreadable(letter, { time: head.time, size: head.kind === "unreadable" ? head.size : 0 })
    : crashed(letter, { id: head.id, width });
}

function unreadable(
  { subject, reason, bytes }: UnreadableLetter,
  { time, size }: { readonly time: number; readonly size: number },
): string[] {
  const kept = bytes.length < size ? `${size}, of which the first ${bytes.length} were kept` : String(size);
  const about = columns([
    ["subject", oneLine(subject)],
    ["reason", oneLine(reason)],
    ["put", localTime(time)],
    ["bytes", kept],
  ]);
  return ["a message that could not be read", ...about.map((line) => `  ${line}`), "", ...readable(bytes)];
}

function crashed(
  { runId, dagName, task, index, losses }: CrashedLetter,
  { id, width }: { readonly id: string; readonly width: number },
): string[] {
  const name = instanceName({ task, index }, { isOneOfSeveral: false });
  const quoted = name === task ? name : `'${name}'`;
  const times = losses.length === 1 ? "its worker died" : `${losses.length} times its worker died`;
  const rows = losses.map(({ attempt, worker, time, durationMs, message }) => [
    String(attempt),
    worker ?? "not known",
    localTime(time),
    shortDuration(durationMs),
    oneLine(message),
  ]);
  return [
    `task '${name}' of run ${runId} (DAG '${dagName}') crashed: ${times} while it ran`,
    ...table([["ATTEMPT", "WORKER", "KNOWN AT", "RAN", "HOW IT WAS KNOWN"], ...rows], { width }),
    "",
    `\`dag dead replay ${id}\` runs it again, with what depends on it; \`dag explain ${runId} ${quoted}\` tells all attempts`,
  ];
}
