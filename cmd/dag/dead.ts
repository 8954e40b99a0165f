/** `dag dead list|show|replay|drop`: messages that could not be read, and tasks that killed their workers. */
import type { Settings } from "../../internal/config/load.ts";
import { instanceName } from "../../internal/core/instance-name.ts";
import { BadInput } from "../../internal/executor/executor.ts";
import { type Replayed, replayLetter } from "../../internal/executor/replay.ts";
import type { LetterHead, StoredLetter } from "../../internal/ports/dead-letters.ts";
import { lineWidth } from "../../internal/telemetry/line-width.ts";
import { localTime } from "../../internal/telemetry/local-time.ts";
import { counted, oneLine, table } from "../../internal/telemetry/text.ts";
import { type OpenCluster, withCluster } from "./cluster.ts";
import { headJson, letterJson } from "./dead-json.ts";
import { letterText } from "./dead-text.ts";
import { limitOf, moreLine, sinceOf } from "./list-flags.ts";
import { UsageError } from "./usage-error.ts";

interface Flags {
  readonly json: boolean;
}

export interface LetterFlags extends Flags {
  readonly kind?: string;
  readonly run?: string;
  readonly since?: string;
  readonly limit?: string;
}

export interface DropFlags extends LetterFlags {
  readonly all?: boolean;
  readonly yes?: boolean;
}

const KINDS = ["unreadable", "crashed"] as const satisfies readonly LetterHead["kind"][];
/** So many letters are dropped at a time. */
const DROPS_AT_A_TIME = 32;

export async function deadList(flags: LetterFlags, settings: Settings): Promise<number> {
  const limit = limitOf(flags.limit);
  const isMeant = filterOf(flags);
  const heads = await withCluster(settings, ({ deadLetters }) => deadLetters.list(limit, isMeant));
  if (flags.json) {
    for (const head of heads) process.stdout.write(`${JSON.stringify(headJson(head))}\n`);
  } else if (heads.length === 0) {
    process.stdout.write(isMeant === undefined ? "no dead letter\n" : "no such dead letter\n");
  } else {
    const rows = heads.map((head) => [
      head.id,
      head.kind,
      localTime(head.time),
      whatOf(head),
      oneLine(head.reason),
    ]);
    const lines = table([["ID", "KIND", "TIME", "WHAT", "REASON"], ...rows], {
      width: lineWidth(),
      whole: 0,
    });
    process.stdout.write(`${[...lines, ...moreLine(heads.length, limit)].join("\n")}\n`);
  }
  return 0;
}

export async function deadShow({ json }: Flags, settings: Settings, id: string): Promise<number> {
  const stored = await withCluster(settings, (cluster) => find(id, cluster));
  const text = json ? JSON.stringify(letterJson(stored)) : letterText(stored, lineWidth()).join("\n");
  process.stdout.write(`${text}\n`);
  return 0;
}

/** Exit code 1 when there was nothing to try with one of them; the others were tried. */
export async function deadReplay(
  { json }: Flags,
  settings: Settings,
  ids: readonly string[],
): Promise<number> {
  return withCluster(settings, async (cluster) => {
    let code = 0;
    for (const stored of await findAll(ids, cluster)) {
      const { id } = stored.head;
      try {
        const answer = await replayLetter(stored, cluster);
        process.stdout.write(
          json ? `${JSON.stringify({ id, answer })}\n` : `${id}: ${sentence(answer, stored)}\n`,
        );
      } catch (error) {
        if (!(error instanceof BadInput)) throw error;
        code = 1;
        const { message } = error;
        if (json) process.stdout.write(`${JSON.stringify({ id, answer: "refused", message })}\n`);
        process.stderr.write(`dag: ${id}: ${message}; \`dag dead drop ${id}\` throws the letter away\n`);
      }
    }
    return code;
  });
}

export async function deadDrop(
  flags: DropFlags,
  settings: Settings,
  ids: readonly string[],
): Promise<number> {
  const isMeant = filterOf(flags);
  if (flags.all === true && ids.length > 0) throw new UsageError("name letters, or say --all, but not both");
  if (flags.all !== true && isMeant !== undefined) {
    throw new UsageError("--kind, --run and --since choose among all letters: say --all, too");
  }
  if (flags.all !== true && ids.length === 0) {
    throw new UsageError("name the letters to drop, as `dag dead list` shows them, or say --all --yes");
  }
  const dropped = await withCluster(settings, async (cluster) => {
    const heads =
      flags.all === true
        ? await cluster.deadLetters.list(Number.MAX_SAFE_INTEGER, isMeant)
        : (await findAll(ids, cluster)).map(({ head }) => head);
    if (flags.all === true && flags.yes !== true) {
      const what = isMeant === undefined ? "" : " that fit";
      throw new UsageError(
        `--all drops ${counted(heads.length, "letter")}${what} for good: say --yes, too, if you mean it`,
      );
    }
    return drop(heads, cluster);
  });
  process.stdout.write(
    flags.json ? `${JSON.stringify({ dropped })}\n` : `${counted(dropped, "letter")} dropped\n`,
  );
  return 0;
}

/** A message that a log still holds goes first: whoever reads it would write the letter again. */
async function drop(
  heads: readonly LetterHead[],
  { deadLetters, originals }: Pick<OpenCluster, "deadLetters" | "originals">,
): Promise<number> {
  let dropped = 0;
  for (let from = 0; from < heads.length; from += DROPS_AT_A_TIME) {
    const group = heads.slice(from, from + DROPS_AT_A_TIME).map(async (head) => {
      await originals.remove(head);
      if (await deadLetters.remove(head)) dropped++;
    });
    await Promise.all(group);
  }
  return dropped;
}

/** Rejects with `UsageError` before anything was done, when one of them is not there. */
async function findAll(
  ids: readonly string[],
  cluster: Pick<OpenCluster, "deadLetters">,
): Promise<StoredLetter[]> {
  return Promise.all([...new Set(ids)].map((id) => find(id, cluster)));
}

async function find(id: string, { deadLetters }: Pick<OpenCluster, "deadLetters">): Promise<StoredLetter> {
  const stored = /^[0-9a-f]+$/.test(id) ? await deadLetters.get(id) : undefined;
  if (stored !== undefined) return stored;
  throw new UsageError(`there is no dead letter '${id}': \`dag dead list\` shows those that are there`);
}

function filterOf({ kind, run, since }: LetterFlags): ((head: LetterHead) => boolean) | undefined {
  if (kind !== undefined && !KINDS.some((each) => each === kind)) {
    throw new UsageError(`--kind: '${kind}' is none: use one of ${KINDS.join(", ")}`);
  }
  if (kind === undefined && run === undefined && since === undefined) return undefined;
  const from = since === undefined ? 0 : sinceOf(since);
  return (head) =>
    (kind === undefined || head.kind === kind) &&
    (run === undefined || head.runId === run) &&
    head.time >= from;
}

function whatOf(head: LetterHead): string {
  if (head.kind === "unreadable") return head.subject;
  return `${instanceName(head, { isOneOfSeveral: false })} of run ${head.runId}`;
}

function sentence(answer: Replayed, { head }: StoredLetter): string {
  switch (answer) {
    case "sent":
      return "sent again; it comes back to the dead letters if it still cannot be read";
    case "queued":
      return "its queue holds this attempt again already";
    case "readable":
      return "its log still holds it, and this version reads it there; start an older executor anew";
    case "retried":
      return `run ${head.runId ?? ""} goes on with this task: \`dag status ${head.runId ?? ""}\``;
  }
}
