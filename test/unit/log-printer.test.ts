/** Is what tasks printed safe on a terminal, and as it was in a pipe? */
import { describe, expect, test } from "vitest";
import { type LogNames, LogPrinter, type LogPrinterOptions } from "../../cmd/dag/log-printer.ts";
import type { LogEntry, LogLine } from "../../internal/core/attempt-log.ts";
import { instanceName } from "../../internal/core/instance-name.ts";
import { shortBytes, shownOnTerminal } from "../../internal/telemetry/log-text.ts";

const ESC = "\u001B";

function line(text: string, more: Partial<LogLine> = {}): LogLine {
  const attempt = { runId: "r", task: "load", index: 0, attempt: 1 };
  const time = Date.parse("2026-01-31T08:00:00.007Z");
  return {
    kind: "line",
    attempt,
    worker: "w",
    writer: "w-1",
    time,
    stream: "stdout",
    text,
    isOpen: false,
    ...more,
  };
}

const named = (width: number): LogNames => ({
  width,
  of: (instance) => instanceName(instance, { isOneOfSeveral: false }),
});

const attempt2 = { runId: "r", task: "load", index: 3, attempt: 2 };

function printed(entries: readonly LogEntry[], options: Partial<LogPrinterOptions> = {}): string {
  let all = "";
  const printer = new LogPrinter({
    json: false,
    isTerminal: false,
    timestamps: false,
    marksAttempts: true,
    write: (text) => (all += text),
    ...options,
  });
  for (const entry of entries) printer.print([entry]);
  printer.end();
  return all;
}

describe("on a terminal", () => {
  test.each([
    ["colours stay", `${ESC}[31;1mred${ESC}[0m`, `${ESC}[31;1mred${ESC}[0m`],
    ["tabs stay", "a\tb", "a\tb"],
    ["cursor movements do not", `${ESC}[2J${ESC}[1;1Hx`, "␛[2J␛[1;1Hx"],
    ["nor titles, links and the clipboard", `${ESC}]52;c;aGk=\u0007`, "␛]52;c;aGk=␇"],
    ["nor other control characters", "a\0b\u0008\u007F\u009B31m", "a␀b␈␡\uFFFD31m"],
    ["nor a colour that is none", `${ESC}[31`, "␛[31"],
  ])("%s", (_name, text, shown) => {
    expect(shownOnTerminal(text)).toBe(shown);
    expect(printed([line(text)], { isTerminal: true })).toBe(`${shown}\n`);
  });

  test("a line that is written over shows its last state, and is written over as it comes", () => {
    const isTerminal = true;
    expect(printed([line("10%\r20%\r")], { isTerminal })).toBe("20%\n");
    expect(printed([line("dos\r")], { isTerminal })).toBe("dos\n");
    const parts = ["10%\r", "20%", "\r30%", " of it"].map((text) => line(text, { isOpen: true }));
    expect(printed([...parts, line("\rdone")], { isTerminal })).toBe(
      `10%\r${ESC}[K20%\r${ESC}[K30%\r${ESC}[K30% of it\r${ESC}[Kdone\n`,
    );
  });

  test("the colours of one task are not for the next", () => {
    const text = printed([line(`${ESC}[31mred`)], { isTerminal: true, names: named(4) });
    expect(text).toBe(`load | ${ESC}[31mred${ESC}[0m\n`);
  });
});

describe("in a pipe", () => {
  test("text stays as it was", () => {
    const texts = [`${ESC}[31mred${ESC}[0m\r`, "a\0b\u0007", `${ESC}]0;title\u0007`, "10%\r20%"];
    expect(printed(texts.map((text) => line(text)))).toBe(texts.map((text) => `${text}\n`).join(""));
  });

  test("a line that goes on is not broken, unless another one comes between", () => {
    const open = line("half", { isOpen: true });
    expect(printed([open, line(" line")])).toBe("half line\n");
    expect(printed([open, line("other", { stream: "stderr" }), line(" line")])).toBe("half\nother\n line\n");
    expect(printed([open])).toBe("half\n");
  });

  test("names, times, attempts and gaps", () => {
    const gap = { ...line(""), kind: "gap", bytes: 79_000_000, why: "limit" } as const;
    expect(printed([line("a"), line("b", { attempt: attempt2 })], { names: named(6) })).toBe(
      "load   | a\nload[3] #2 | b\n",
    );
    expect(printed([line("a", { isOpen: true }), line("b", { attempt: attempt2 })])).toBe(
      "a\n--- attempt 2, on w ---\nb\n",
    );
    expect(printed([line("b", { attempt: attempt2 })], { marksAttempts: false })).toBe("b\n");
    expect(printed([line("a")], { timestamps: true })).toMatch(/^2026-01-3\d \d\d:\d\d:00\.007 a\n$/);
    expect(printed([gap, { ...gap, bytes: 7, why: "missing" }])).toBe(
      "[… 75.3 MiB left out: more was printed than is kept of an attempt (--log-limit of the worker) …]\n" +
        "[… 7 bytes missing: not stored in time, or not kept any more …]\n",
    );
  });

  test("JSON", () => {
    const gap = { ...line(""), kind: "gap", bytes: 7, why: "missing" } as const;
    const text = printed([line("a\0", { isOpen: true }), gap], { json: true });
    const about = {
      run_id: "r",
      task: "load",
      index: 0,
      attempt: 1,
      worker: "w",
      time: "2026-01-31T08:00:00.007Z",
    };
    expect(
      text
        .trim()
        .split("\n")
        .map((each) => JSON.parse(each) as unknown),
    ).toEqual([
      { ...about, stream: "stdout", text: "a\0", goes_on: true },
      { ...about, left_out: 7, reason: "missing" },
    ]);
  });
});

test.each([
  [0, "0 bytes"],
  [1_023, "1023 bytes"],
  [1_024, "1.0 KiB"],
  [91_750_000, "87.5 MiB"],
  [3 * 2 ** 40, "3.0 TiB"],
  [3 * 2 ** 50, "3072.0 TiB"],
])("%i bytes are %s", (bytes, text) => {
  expect(shortBytes(bytes)).toBe(text);
});
