/** One process of the cluster under test. */
import { Program } from "../../support/programs.ts";
import type { TcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";

export interface MemberOptions {
  readonly kind: "executor" | "worker";
  readonly name: string;
  readonly flags: readonly string[];
  readonly env: Record<string, string>;
  /** The way to the server, where it can be taken away. */
  readonly proxy?: TcpProxy;
}

const STARTED_MS = 60_000;
const SHOWN_LINES = 6;

export class Member implements AsyncDisposable {
  readonly kind: "executor" | "worker";
  readonly name: string;
  readonly proxy: TcpProxy | undefined;
  readonly program: Program;
  /** What it is told to end by; only then is its end no surprise. */
  ending: "SIGKILL" | "SIGTERM" | undefined;

  constructor({ kind, name, flags, env, proxy }: MemberOptions) {
    this.kind = kind;
    this.name = name;
    this.proxy = proxy;
    this.program = new Program(kind, flags, env);
  }

  /** Resolves when it says that it has started; rejects with its last words when it ends before. */
  async started(): Promise<void> {
    const ended = this.program.finished.then(() => {
      throw new Error(`${this.name} ended before it had started: ${this.describe().join("\n")}`);
    });
    const said = until(
      () => this.program.stdout.includes(`${this.kind} started`),
      () => this.describe(),
      STARTED_MS,
    );
    await Promise.race([said, ended]);
  }

  /** As JSON, without what does not change. */
  log(): Record<string, unknown>[] {
    return this.program.stdout
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** The end of what it printed. */
  describe(): string[] {
    const { stdout, stderr } = this.program;
    const last = `${stdout.slice(-4_000)}${stderr.slice(-2_000)}`.split("\n").filter((line) => line !== "");
    return last.slice(-SHOWN_LINES);
  }

  /** Also of one that is frozen. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.ending ??= "SIGKILL";
    await this.program[Symbol.asyncDispose]();
    await this.proxy?.[Symbol.asyncDispose]();
  }
}
