/** Shows what the services of a local cluster log, as it is written: lines for a person, or JSON. */
import { levelNumber, type LogRecord, readableRecord } from "../../internal/telemetry/logger.ts";
import { LogTail } from "./log-tail.ts";

export interface ServiceLogOptions {
  /** A JSON object a line, instead of lines for a person. */
  readonly json: boolean;
  /** What is below is not shown. */
  readonly level: string;
  /** All that will be shown. */
  readonly services: readonly string[];
}

export class ServiceLog {
  readonly #json: boolean;
  readonly #level: number;
  readonly #width: number;
  readonly #tails: LogTail[] = [];

  constructor({ json, level, services }: ServiceLogOptions) {
    this.#json = json;
    this.#level = levelNumber(level);
    this.#width = Math.max(...services.map((service) => service.length));
  }

  /** Shows what a service logs from now on. */
  async follow(service: string, file: string): Promise<void> {
    const read = service === "nats-server" ? serverRecord : serviceRecord;
    this.#tails.push(await LogTail.follow(file, (line) => this.#show(service, read(line))));
  }

  /** Says that something has happened to a service. */
  warn(service: string, what: string, facts: Readonly<Record<string, unknown>>): void {
    this.#show(service, record("warn", what, facts));
  }

  /** Shows what is left, and ends. */
  async stop(): Promise<void> {
    await Promise.all(this.#tails.splice(0).map((tail) => tail.stop()));
  }

  #show(service: string, record: LogRecord | undefined): void {
    if (record === undefined || record.level < this.#level) return;
    const line = this.#json
      ? JSON.stringify({ ...record, service })
      : `${service.padEnd(this.#width)}  ${readableRecord(record)}`;
    process.stdout.write(`${line}\n`);
  }
}

function record(level: string, msg: string, facts: Readonly<Record<string, unknown>> = {}): LogRecord {
  return { level: levelNumber(level), time: new Date().toISOString(), ...facts, msg };
}

/** Of an executor or a worker; what is no record was printed by a function of the user's, or by a crash. */
function serviceRecord(line: string): LogRecord {
  try {
    const found = JSON.parse(line) as Partial<LogRecord> | null;
    if (typeof found?.level === "number" && typeof found.time === "string" && typeof found.msg === "string") {
      return found as LogRecord;
    }
  } catch {
    // As it is.
  }
  return record("info", line);
}

const SERVER_LEVELS: Readonly<Record<string, string>> = { WRN: "warn", ERR: "error", FTL: "fatal" };

/** `[123] 2026/01/31 10:31:07.123456 [WRN] text`; all else it says is of no interest here. */
function serverRecord(line: string): LogRecord | undefined {
  const [, mark = "", text = ""] = /^\[\d+\] \S+ \S+ \[(\w+)\] (.*)$/.exec(line) ?? [];
  const level = SERVER_LEVELS[mark];
  return level === undefined ? undefined : record(level, text);
}
