/** A piece of a program in a process of its own, with the modules that the build made. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const DIST = new URL("../../dist/", import.meta.url);

export interface SnippetOptions {
  /** The snippet sees it as `input`. */
  readonly input?: unknown;
  readonly env?: Readonly<Record<string, string>>;
  /** In a process group of its own, as a shell starts a program. Default: false. */
  readonly ownGroup?: boolean;
}

/**
 * Runs the body of an async function. It sees `load(path)` for a module of `dist/`, `say(value)` to tell something
 * as JSON, and `input`.
 */
export class Snippet {
  readonly #child: ChildProcess;
  readonly said: unknown[] = [];
  readonly ended: Promise<number | null>;
  #output = "";
  #errors = "";

  constructor(body: string, { input, env = {}, ownGroup = false }: SnippetOptions = {}) {
    const program = [
      `const load = (path) => import(${JSON.stringify(DIST.href)} + path);`,
      'const say = (value) => process.stdout.write(JSON.stringify(value) + "\\n");',
      `const input = ${JSON.stringify(input ?? null)};`,
      body,
    ].join("\n");
    this.#child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(DIST),
      env: { ...process.env, ...env },
      detached: ownGroup,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#read(chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", resolve);
    });
  }

  #read(text: string): void {
    const lines = `${this.#output}${text}`.split("\n");
    this.#output = lines.pop() ?? "";
    for (const line of lines) this.said.push(JSON.parse(line));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next thing it says that looks so. */
  async says<T>(matches: (value: T) => boolean = () => true): Promise<T> {
    return until(
      () => (this.said as T[]).find((value) => matches(value)),
      () => ({ said: this.said, errors: this.#errors }),
    );
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGKILL");
    await this.ended;
  }
}
