/** Progress as a block at the bottom of a terminal, drawn anew in its place. */
import pc from "picocolors";
import type { Progress } from "./progress.ts";
import { cut, shortDuration } from "./text.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const DRAW_MS = 100;
const MAX_LINES = 12;

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

export class LiveDisplay {
  readonly #progress: Progress;
  readonly #terminal: Terminal;
  /** What the user should know while nothing moves; empty when all is well. */
  readonly #notice: () => string;
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;
  #frame = 0;

  constructor(progress: Progress, terminal: Terminal, notice: () => string) {
    this.#progress = progress;
    this.#terminal = terminal;
    this.#notice = notice;
    this.#timer = setInterval(() => this.#draw(), DRAW_MS);
    this.#timer.unref();
  }

  /** Takes the block away. */
  stop(): void {
    clearInterval(this.#timer);
    this.#terminal.write(this.#erase());
    this.#drawn = 0;
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const width = Math.max(20, this.#terminal.columns - 1);
    const lines = [this.#head(), ...this.#tasks()].map((line) => cut(line, width));
    this.#terminal.write(`${this.#erase()}${lines.map(paint).join("\n")}\n`);
    this.#drawn = lines.length;
  }

  #erase(): string {
    return this.#drawn === 0 ? "" : `\u001B[${this.#drawn}A\u001B[0J`;
  }

  #head(): string {
    const { dag, total, completed, failed, running, retrying, elapsed } = this.#progress;
    const parts = [
      `${completed}/${total} done`,
      ...(failed > 0 ? [`${failed} failed`] : []),
      ...(running.size > 0 ? [`${running.size} running`] : []),
      ...(retrying.size > 0 ? [`${retrying.size} retrying`] : []),
      shortDuration(elapsed),
    ];
    return `${FRAMES[this.#frame]} ${dag}: ${parts.join(", ")}`;
  }

  #tasks(): string[] {
    const now = this.#progress.startedAt + this.#progress.elapsed;
    const room = Math.max(1, Math.min(MAX_LINES, this.#terminal.rows - 4));
    const running = [...this.#progress.running.values()].map(({ task, worker, attempt, since }) => {
      const again = attempt > 1 ? ` (attempt ${attempt})` : "";
      return `  ▸ ${task} on ${worker}${again} ${shortDuration(now - since)}`;
    });
    const retrying = [...this.#progress.retrying.values()].map(
      ({ task, dueAt }) => `  ↻ ${task} retrying in ${shortDuration(Math.max(0, dueAt - now))}`,
    );
    const notice = this.#notice();
    const all = [...(notice === "" ? [] : [`  ! ${notice}`]), ...running, ...retrying];
    return all.length <= room ? all : [...all.slice(0, room - 1), `  … and ${all.length - room + 1} more`];
  }
}

function paint(line: string): string {
  if (line.startsWith("  ▸")) return pc.cyan(line);
  if (line.startsWith("  ↻") || line.startsWith("  !")) return pc.yellow(line);
  return pc.bold(line);
}
