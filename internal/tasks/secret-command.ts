/** A command that prints secrets: it is called with a name as its last argument, without a shell. */
import { execa, type ResultPromise } from "execa";
import { cutAfter } from "../core/cut.ts";
import type { Clock } from "../ports/clock.ts";
import { NoSecret } from "../ports/secrets.ts";
import { asText, MAX_SECRET_BYTES, type SecretSource } from "./secret-sources.ts";

export interface SecretCommandOptions {
  /** The program, and its arguments before the name. */
  readonly command: readonly string[];
  readonly clock: Clock;
  /** Hears what the command says on stderr when it fails: that is for who runs the worker, and not for whose task it is. */
  onTrouble(what: string, error: string): void;
}

/** How long the command may take. */
const LIMIT_MS = 10_000;
/** How long a value is kept: many tasks of one run name the same, and one that was changed counts soon. */
const KEEP_MS = 30_000;

export class SecretCommand implements SecretSource {
  readonly #options: SecretCommandOptions;
  /** By name; of calls that have not ended too. */
  readonly #kept = new Map<string, Promise<string>>();

  constructor(options: SecretCommandOptions) {
    this.#options = options;
  }

  placeOf(name: string): string {
    return `output of the command ${this.#nameOf(name)}`;
  }

  find(name: string): Promise<string> {
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
    const forget = (): void => void this.#kept.delete(name);
    const running = this.#run(name);
    this.#kept.set(name, running);
    running.then(() => this.#options.clock.after(KEEP_MS, forget), forget);
    return running;
  }

  #nameOf(name: string): string {
    return [...this.#options.command, name].join(" ");
  }

  async #run(name: string): Promise<string> {
    const { clock, onTrouble } = this.#options;
    const [program = "", ...args] = this.#options.command;
    const child = execa(program, [...args, name], OPTIONS);
    const end = (): void => endGroup(child.pid);
    process.once("exit", end);
    let isLate = false;
    const timer = clock.after(LIMIT_MS, () => {
      isLate = true;
      end();
      // Whoever has left the group may hold them for ever.
      child.stdout.destroy();
      child.stderr.destroy();
    });
    const ended = await child;
    timer.cancel();
    end();
    process.off("exit", end);
    const problem = isLate ? `has not ended within ${LIMIT_MS / 1_000} s` : problemOf(ended);
    if (problem === undefined)
      return asText(ended.stdout, `what the command ${this.#nameOf(name)} has printed`);
    const printed = new TextDecoder().decode(ended.stderr).trim();
    if (printed !== "") onTrouble(`the command ${this.#nameOf(name)} ${problem}`, cutAfter(printed, 2_000));
    throw new NoSecret(`the command ${this.#nameOf(name)} ${problem}`);
  }
}

/** In a group of its own, so that all it has started can be ended with it. */
const OPTIONS = {
  stdin: "ignore",
  encoding: "buffer",
  maxBuffer: MAX_SECRET_BYTES + 2,
  stripFinalNewline: false,
  reject: false,
  detached: true,
  cleanup: false,
} as const;

type Ended = Awaited<ResultPromise<typeof OPTIONS>>;

/** What the command did instead of printing a secret. */
function problemOf({ exitCode, signal, code, isMaxBuffer }: Ended): string | undefined {
  if (isMaxBuffer) return `has printed more than ${MAX_SECRET_BYTES} bytes`;
  if (signal !== undefined) return `was ended by ${signal}`;
  if (exitCode === undefined) return `could not be started: ${code ?? "for a reason not known"}`;
  return exitCode === 0 ? undefined : `has ended with exit code ${exitCode}`;
}

function endGroup(pgid: number | undefined): void {
  try {
    if (pgid !== undefined) process.kill(-pgid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}
