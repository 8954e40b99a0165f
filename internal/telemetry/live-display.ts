/**
 * Progress as a block at the bottom of a terminal, drawn anew in its place.
 *
 * Lines are written over, not cleared before: nothing flickers, and no frame is left in what can be scrolled back to.
 * Whatever else goes to the terminal meanwhile goes through `aside`, or it would be written over.
 */
import { pc } from "./colours.ts";
import { instanceCounts } from "./instance-counts.ts";
import { countsOf, type Progress } from "./progress.ts";
import { clock, columns, cut, oneLine } from "./text.ts";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const DRAW_MS = 100;
const MAX_TASKS = 20;
/** What stays free of the terminal's height: the head, the line of the cursor, and what stood there before. */
const SPARE_ROWS = 4;

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

export interface LiveOptions {
  readonly terminal: Terminal;
  /** What the user should know while nothing moves. */
  notices(): readonly string[];
}

export class LiveDisplay {
  readonly #progress: Progress;
  readonly #options: LiveOptions;
  readonly #timer: NodeJS.Timeout;
  /** The lines that stand there, without colours. */
  #drawn: readonly string[] = [];
  #frame = 0;

  constructor(progress: Progress, options: LiveOptions) {
    this.#progress = progress;
    this.#options = options;
    this.#timer = setInterval(() => this.draw(), DRAW_MS);
    this.#timer.unref();
  }

  /** Lets something else be written, above the block. */
  aside(write: () => void): void {
    this.#erase();
    write();
    this.draw();
  }

  /** Takes the block away. */
  stop(): void {
    clearInterval(this.#timer);
    this.#erase();
  }

  draw(): void {
    const { terminal } = this.#options;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const width = Math.max(20, terminal.columns - 1);
    const lines = [this.#head(), ...this.#body(width)].map((line) => cut(line, width));
    const painted = lines.map((line) => `${paint(line)}\u001B[K\n`).join("");
    // What is left of a higher block is cleared.
    terminal.write(`${up(this.#rowsDrawn())}${painted}\u001B[0J`);
    this.#drawn = lines;
  }

  /** Line by line: some terminals keep a copy of what is cleared in one go. */
  #erase(): void {
    const rows = this.#rowsDrawn();
    if (rows > 0) this.#options.terminal.write(`${up(rows)}${"\u001B[K\n".repeat(rows)}${up(rows)}`);
    this.#drawn = [];
  }

  /** In a window that was made narrower the lines take several rows. */
  #rowsDrawn(): number {
    const width = Math.max(1, this.#options.terminal.columns);
    return this.#drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / width)), 0);
  }

  #head(): string {
    const { dag, total, done, failed, running, retrying, elapsed } = this.#progress;
    const parts = [
      `${done}/${total} tasks done`,
      ...(failed.size > 0 ? [`${failed.size} failed`] : []),
      ...(running.size > 0 ? [`${running.size} running`] : []),
      ...(retrying.size > 0 ? [`${retrying.size} to retry`] : []),
      clock(elapsed),
    ];
    return `${FRAMES[this.#frame]} ${oneLine(dag)}: ${parts.join(", ")}`;
  }

  #body(width: number): string[] {
    const notices = this.#options.notices().map((notice) => `  ! ${notice}`);
    const room = Math.max(1, Math.min(MAX_TASKS, this.#options.terminal.rows - SPARE_ROWS) - notices.length);
    const launched = this.#launched();
    const shownLaunched = launched.slice(0, Math.max(1, Math.floor(room / 2)));
    const left = Math.max(1, room - shownLaunched.length);
    const { running, retrying } = this.#progress;
    const all = running.size + retrying.size;
    const shown = all <= left ? all : left - 1;
    const lines = columns([...this.#rows(shown)], { width });
    const more = all > shown ? [`  … and ${all - shown} more`] : [];
    return [...notices, ...columns(shownLaunched), ...lines, ...more];
  }

  /** Tasks with several instances some of which are yet to end. */
  #launched(): string[][] {
    return [...this.#progress.launched.values()].flatMap((each) =>
      each.completed + each.failed === each.instances
        ? []
        : [[`  ${each.task}`, instanceCounts(countsOf(each))]],
    );
  }

  /** Of thousands only those that are shown are looked at. */
  *#rows(count: number): Iterable<string[]> {
    const now = this.#progress.startedAt + this.#progress.elapsed;
    let left = count;
    for (const { instance, worker, attempt, since } of this.#progress.running.values()) {
      if (left-- <= 0) return;
      const name = this.#progress.nameOf(instance);
      yield [`  ▸ ${name}`, worker, clock(now - since), attempt > 1 ? `attempt ${attempt}` : ""];
    }
    for (const { instance, attempt, dueAt, isLooking } of this.#progress.retrying.values()) {
      if (left-- <= 0) return;
      const what = isLooking ? "looking again" : "retrying";
      const when = dueAt > now ? `${what} in ${clock(dueAt - now)}` : "queued again";
      yield [`  ↻ ${this.#progress.nameOf(instance)}`, when, "", `attempt ${attempt}`];
    }
  }
}

function up(rows: number): string {
  return rows === 0 ? "" : `\u001B[${rows}A`;
}

function paint(line: string): string {
  if (line.startsWith("  ▸")) return pc.cyan(line);
  if (line.startsWith("  ↻") || line.startsWith("  !")) return pc.yellow(line);
  return line.startsWith("  …") ? pc.dim(line) : pc.bold(line);
}
