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

function readable(out: NodeJS.WriteStream): DestinationStream {
  return {
    write: (line: string) => {
      const { level, time, msg, name: _name, ...fields } = JSON.parse(line) as Record<string, unknown>;
      const colour = COLOURS[Number(level)] ?? ((text: string) => text);
      const facts = Object.entries(fields).map(([key, value]) => `${pc.dim(`${key}=`)}${show(value)}`);
      out.write(`${pc.dim(String(time).slice(11, 19))} ${colour(String(msg))} ${facts.join(" ")}\n`);
    },
  };
}

function show(value: unknown): string {
  return typeof value === "string" ? oneLine(value) : JSON.stringify(value);
}
