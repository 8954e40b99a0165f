/**
 * Sees to it that nothing of an attempt outlives this process, however it ends.
 *
 * The guard is a small program in a session of its own that holds a pipe to us and is told what runs. When we are gone,
 * also after `kill -9`, the kernel closes the pipe, and it ends what still ran: the process groups, and all processes
 * whose environment names the folder of such an attempt, where the kernel shows it. An attempt's folder is known before
 * its first process is, so there is no moment at which one could slip away.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { OUTPUT_FILE } from "./attempt-env.ts";

/** Where an attempt in this folder writes its output. */
export function outputFileOf(folder: string): string {
  return `${folder}/output`;
}

/**
 * Reads lines until their end: `folder ID PATH` and `group ID NUMBER` of an attempt that begins, `ended ID`. Then it
 * goes over all processes until two rounds have found nothing: one may have been between its birth and its own
 * environment. Kept to what bash 3 knows, which macOS has.
 */
const SCRIPT = `
trap '' HUP INT TERM
while read -r what id value; do
  case $what in
    folder) folders[id]=$value ;;
    group) groups[id]=$value ;;
    ended) unset "folders[id]" "groups[id]" ;;
  esac
done
end() { [[ $1 != "$PPID" ]] && kill -KILL "$1"; }
round() {
  local found=1 environ variable folder
  for environ in /proc/[0-9]*/environ; do
    while IFS= read -r -d '' variable; do
      [[ $variable == ${OUTPUT_FILE}=* ]] || continue
      for folder in "\${folders[@]}"; do
        [[ \${variable#*=} == "${outputFileOf("$folder")}" ]] && end "\${environ//[!0-9]/}" && found=0
      done
    done <"$environ"
  done
  return $found
}
exec 2>/dev/null
for group in "\${groups[@]}"; do kill -KILL -- "-$group"; done
((\${#folders[@]} > 0)) || exit
quiet=0
for ((rounds = 0; quiet < 2 && rounds < 50; rounds++)); do
  if round; then quiet=0; else quiet=$((quiet + 1)); fi
  sleep 0.1
done
`;

const START_AGAIN_MS = 1_000;

/** An attempt that runs. */
export interface Guarded {
  /** Its processes are in this group. */
  group(pgid: number): void;
  /** It has ended, and its group with it. */
  ended(): void;
}

interface Running {
  readonly folder: string;
  pgid?: number;
}

class Guard {
  #program: ChildProcess | undefined;
  #lastId = 0;
  readonly #running = new Map<number, Running>();

  begin(folder: string): Guarded {
    const id = ++this.#lastId;
    const running: Running = { folder };
    this.#running.set(id, running);
    this.#program ??= this.#start();
    this.#tell(`folder ${id} ${folder}`);
    return {
      group: (pgid) => {
        running.pgid = pgid;
        this.#tell(`group ${id} ${pgid}`);
      },
      ended: () => {
        this.#running.delete(id);
        this.#tell(`ended ${id}`);
      },
    };
  }

  #tell(line: string): void {
    this.#program?.stdin?.write(`${line}\n`);
  }

  #start(): ChildProcess {
    const program = startProgram();
    program.once("exit", () => {
      this.#program = undefined;
      setTimeout(() => this.#startAgain(), START_AGAIN_MS).unref();
    });
    // It keeps nobody alive.
    program.unref();
    (program.stdin as Socket | null)?.unref();
    return program;
  }

  /** Somebody has killed it. */
  #startAgain(): void {
    if (this.#program !== undefined || this.#running.size === 0) return;
    this.#program = this.#start();
    for (const [id, { folder, pgid }] of this.#running) {
      this.#tell(`folder ${id} ${folder}`);
      if (pgid !== undefined) this.#tell(`group ${id} ${pgid}`);
    }
  }
}

/** Of this process. */
export const guard = new Guard();

/** Ends all processes whose environment names one of these folders, of attempts whose worker is dead. */
export async function endLeftovers(folders: readonly string[]): Promise<void> {
  if (folders.length === 0) return;
  const program = startProgram();
  const ended = new Promise<void>((resolve) => {
    program.once("exit", () => resolve());
    program.once("error", () => resolve());
  });
  program.stdin?.end(folders.map((folder, id) => `folder ${id} ${folder}\n`).join(""));
  await ended;
}

function startProgram(): ChildProcess {
  // Its stdin looks like a network connection to bash, which then reads the user's own settings unless told not to.
  const program = spawn("bash", ["--norc", "-c", SCRIPT, "jetdag-guard"], {
    detached: true,
    cwd: "/",
    // Not what names an attempt: we may run within one.
    env: { PATH: process.env.PATH },
    stdio: ["pipe", "ignore", "ignore"],
  });
  // Without bash no bash task runs either; and that it is gone shows as its exit.
  program.on("error", () => undefined);
  program.stdin?.on("error", () => undefined);
  return program;
}
