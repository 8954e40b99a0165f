/** Logs of the services: one line a transition, JSON for machines, plain for a person at a terminal. */
import { type DestinationStream, type Logger, pino } from "pino";
import { pc } from "./colours.ts";
import { oneLine } from "./text.ts";

export type { Logger };

/** Writes to stdout; on a terminal as readable lines. */
export function createLogger(level: string, name: string): Logger {
  const options = { level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime };
  return process.stdout.isTTY
    ? pino(options, readable(process.stdout))
    : pino(options, pino.destination({ sync: true }));
}

const COLOURS: Readonly<Record<number, (text: string) => string>> = { 40: pc.yellow, 50: pc.red, 60: pc.red };

const WARNING = pino.levels.values.warn ?? 40;

/** A line of the log, as pino writes it. */
export interface LogRecord {
  readonly level: number;
  /** ISO 8601. */
  readonly time: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The number of a level in records; what is silent lets nothing through. */
export function levelNumber(level: string): number {
  return pino.levels.values[level] ?? Number.POSITIVE_INFINITY;
}

/** `10:31:07 run submitted run_id=3f9c dag=etl`, by the clock on the wall; of warnings and errors the level too, since colours may be off. */
export function readableRecord({ level, time, msg, name: _name, ...fields }: LogRecord): string {
  const colour = COLOURS[level] ?? ((text: string) => text);
  const mark = level < WARNING ? [] : [colour((pino.levels.labels[level] ?? "").toUpperCase())];
  const facts = Object.entries(fields).map(([key, value]) => `${pc.dim(`${key}=`)}${show(value)}`);
  return [pc.dim(clockOf(time)), ...mark, colour(oneLine(msg)), ...facts].join(" ");
}

/** `10:31:07` where we are. */
function clockOf(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}

function readable(out: NodeJS.WriteStream): DestinationStream {
  return { write: (line: string) => void out.write(`${readableRecord(JSON.parse(line) as LogRecord)}\n`) };
}

function show(value: unknown): string {
  return typeof value === "string" ? oneLine(value) : JSON.stringify(value);
}
