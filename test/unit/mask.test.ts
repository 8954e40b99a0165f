/** Does anything of a secret get through, in whatever form, however it is cut into pieces? And does all else stay as it is? */
import { execFileSync } from "node:child_process";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { cutAfter } from "../../internal/core/cut.ts";
import type { JsonObject } from "../../internal/core/json.ts";
import { Mask } from "../../internal/core/mask.ts";
import { Captured } from "../../internal/tasks/captured.ts";
import { SeededRandom } from "../support/random.ts";

const TOKEN = "tok+/n?_9f8e7d & ü";
const PEM = [
  "-----BEGIN PRIVATE KEY-----",
  ..."MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nMzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu".split(
    "\n",
  ),
  "-----END PRIVATE KEY-----",
].join("\n");

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** What bash prints for this command with the value as its argument. */
function shell(command: string, value: string): string {
  const script = `exec 2>&1; ${command} "$1"`;
  return execFileSync("bash", ["-c", script, "bash", value], {
    encoding: "utf8",
    env: { LC_ALL: "C.UTF-8" },
  });
}

/** What comes out of a stream that is fed these pieces. */
function through(mask: Mask, pieces: readonly Uint8Array[]): string {
  const stream = mask.stream();
  const out = [...pieces.map((piece) => Buffer.from(stream.take(piece))), Buffer.from(stream.end())];
  return Buffer.concat(out).toString();
}

describe("every form of a value", () => {
  const forms: [string, (value: string) => string][] = [
    ["as it is", (value) => value],
    ["in JSON", (value) => JSON.stringify({ value }).slice(10, -2)],
    ["in JSON of ASCII", (value) => JSON.stringify(value).slice(1, -1).replaceAll("ü", "\\u00fc")],
    ["in JSON within JSON", (value) => JSON.stringify({ body: JSON.stringify({ value }) }).slice(22, -5)],
    [
      "in JSON of ASCII within JSON",
      (value) => JSON.stringify(JSON.stringify(value).replaceAll("ü", "\\u00fc")).slice(3, -3),
    ],
    [
      "in JSON within JSON of ASCII",
      (value) => JSON.stringify(JSON.stringify(value)).slice(3, -3).replaceAll("ü", "\\u00fc"),
    ],
    [
      "in JSON as Go writes it",
      (value) =>
        JSON.stringify(value)
          .slice(1, -1)
          .replaceAll("<", "\\u003c")
          .replaceAll(">", "\\u003e")
          .replaceAll("&", "\\u0026"),
    ],
    ["in JSON as PHP writes it", (value) => JSON.stringify(value).slice(1, -1).replaceAll("/", "\\/")],
    ["as Node shows it", (value) => inspect(value).slice(1, -1)],
    ["as a shell quotes it", (value) => shell("printf %q", value)],
    [
      "as a shell traces it",
      (value) =>
        shell("set -x; echo >/dev/null", value)
          .replace(/^\+ echo '?/, "")
          .replace(/'?\n$/, ""),
    ],
    ["in base64", base64],
    ["in base64 without padding", (value) => base64(value).replace(/=+$/, "")],
    ["in base64 of echo", (value) => base64(`${value}\n`)],
    ["in base64 for URLs", (value) => Buffer.from(value).toString("base64url")],
    ["in a URL", encodeURIComponent],
    [
      "in a URL, by digits in lower case",
      (value) => encodeURIComponent(value).replaceAll(/%../g, (c) => c.toLowerCase()),
    ],
    ["in a whole URL", encodeURI],
    ["in HTML", (value) => value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")],
    [
      "in HTML, quotes as well",
      (value) =>
        value
          .replaceAll("&", "&amp;")
          .replaceAll("<", "&lt;")
          .replaceAll(">", "&gt;")
          .replaceAll('"', "&quot;")
          .replaceAll("'", "&#39;"),
    ],
    ["in a form", (value) => new URLSearchParams({ value }).toString().slice(6)],
  ];
  test.each(forms)("%s", (_name, encode) => {
    for (const value of [
      TOKEN,
      "four",
      "a'b(c)!*~ ",
      '{"a": "b\\\\c"}',
      "ends in blank ",
      "日本語",
      "#a~#`[x]{y}^$z;|<>",
    ]) {
      const mask = new Mask([value]);
      const form = encode(value);
      expect(mask.text(`<<${form}>>`), value).toBe("<<***>>");
      expect(mask.text(form), value).toBe("***");
      expect(through(mask, [bytesOf(`<<${form}>>`)]), value).toBe("<<***>>");
    }
  });

  test.each([
    ["a word", "Top-S3CRET", ["top-s3cret", "http://top-s3cret.example.com/"]],
    ["beyond ASCII", "Schlüssel-Ä", ["schlüssel-ä", "xn--schlssel--32a2x", "http://xn--schlssel--32a2x:80/"]],
    ["an address", "0x7F.1", ["127.0.0.1"]],
    ["a whole URL", "HTTPS://Hooks.Example.com/T0/ä", ["https://hooks.example.com/T0/%C3%A4"]],
  ])("as a URL is that was read: %s", (_what, value, texts) => {
    for (const text of texts) {
      expect(new Mask([value]).text(text), text).toMatch(/^(?:http:\/\/)?\*\*\*(?:[.:].*)?$/);
    }
  });

  test("what is part of a URL alone masks no host, and what is too short nothing at all", () => {
    const mask = new Mask(["localhost:8080", "db/x", "1", "A\nb"]);
    expect(mask.text("localhost db 0.0.0.1 a b")).toBe("localhost db 0.0.0.1 a b");
  });

  test.each(["", "a", "ab", "abc", "user:"])("in base64 after %j and before other bytes", (before) => {
    const random = new SeededRandom(before.length);
    for (let length = 4; length < 60; length++) {
      const value = Array.from({ length }, () => String.fromCharCode(33 + random.below(90))).join("");
      for (const after of ["", "x", "xy", "xyz"]) {
        const encoded = base64(before + value + after);
        for (const text of [encoded, encoded.replaceAll("+", "-").replaceAll("/", "_")]) {
          const masked = new Mask([value]).text(text);
          expect(masked).toContain("***");
          // What is left are the characters that hold bits of the surroundings.
          expect(masked.length - 3).toBeLessThanOrEqual(
            Math.ceil((before.length + after.length + 2) / 3) * 4 + 4,
          );
        }
      }
    }
  });

  test("in base64 that the system's own command breaks into lines, wherever the value stands", () => {
    const mask = new Mask([PEM]);
    for (const before of ["", "k", "key: ", "x".repeat(40)]) {
      for (const width of ["76", "64", "7"]) {
        const printed = execFileSync("base64", ["-w", width], {
          input: `${before}${PEM}\n`,
          encoding: "utf8",
        });
        const left = mask.text(printed).replaceAll(/\s|\*\*\*/g, "");
        expect(left.length, `${before} at ${width}: ${mask.text(printed)}`).toBeLessThan(
          before.length * 1.4 + 12,
        );
      }
    }
  });
});

describe("a value of several lines", () => {
  const mask = new Mask([PEM]);
  test.each([
    ["whole", PEM, "***"],
    ["as Windows has it", PEM.replaceAll("\n", "\r\n"), "***"],
    ["in one line", PEM.replaceAll("\n", ""), "***"],
    ["in JSON", JSON.stringify(PEM), '"***"'],
    ["line by line", PEM.split("\n").join("\n> "), "***\n> ***\n> ***\n> ***"],
    ["a single line", PEM.split("\n")[1] ?? "", "***"],
  ])("%s", (_name, printed, expected) => {
    expect(mask.text(printed)).toBe(expected);
  });

  test("the lines of a key within a file of JSON", () => {
    const file = JSON.stringify({ type: "account", private_key: `${PEM}\n` }, null, 2);
    const lines = PEM.split("\n").slice(1, -1);
    for (const line of lines) expect(new Mask([file]).text(`read ${line}`)).toBe("read ***");
  });
});

describe("cut into pieces in any way", () => {
  test("a stream shows what the whole text would, and never a secret", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = new SeededRandom(seed);
      const values = Array.from({ length: 1 + random.below(3) }, () =>
        // Few letters, so that begins of one turn up in others.
        Array.from({ length: 4 + random.below(9) }, () => random.pick(["a", "b", "ü", "+"])).join(""),
      );
      const mask = new Mask(values);
      const text = Array.from({ length: random.below(12) }, () =>
        random.chance(0.4) ? random.pick(values) : random.pick(["a", "ab", "b\n\n\n", "ü ", "\n\n\n\n", "-"]),
      ).join("");
      const whole = bytesOf(text);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < whole.length;) {
        const end = at + 1 + random.below(random.chance(0.5) ? 3 : 40);
        pieces.push(whole.subarray(at, end));
        at = end;
      }
      const shown = through(mask, pieces);
      expect(shown, `seed ${seed}`).toBe(mask.text(text));
      for (const value of values) expect(shown, `seed ${seed}`).not.toContain(value);
    }
  });

  test("broken into lines as well, byte by byte", () => {
    const mask = new Mask([PEM]);
    const printed = execFileSync("base64", { input: `${PEM}\n`, encoding: "utf8" });
    const shown = through(
      mask,
      [...bytesOf(printed)].map((byte) => Uint8Array.of(byte)),
    );
    expect(shown.trim()).toBe("***");
  });

  test("a line is shown at once, and what is held is shown at the end", () => {
    const stream = new Mask(["secret-token"]).stream();
    const show = (text: string): string => Buffer.from(stream.take(bytesOf(text))).toString();
    // The s may be the begin of the secret; where its line has ended, nobody waits for it.
    expect(show("progress\n")).toBe("progress\n");
    expect(show("progress")).toBe("progres");
    expect(show(" of secret-to")).toBe("s of ");
    expect(show("tal, secret-token")).toBe("secret-total, ***");
    expect(show("secret-tok")).toBe("");
    expect(Buffer.from(stream.end()).toString()).toBe("secret-tok");
  });

  test("what is held is bounded, whatever is printed", () => {
    const stream = new Mask([PEM]).stream();
    stream.take(bytesOf(PEM.slice(0, 40)));
    expect(stream.take(bytesOf("\n".repeat(100_000))).length).toBeGreaterThan(99_000);
  });

  test("where nothing is to be masked, the same bytes pass through", () => {
    const chunk = bytesOf("nothing of interest\n");
    expect(new Mask([TOKEN]).stream().take(chunk)).toBe(chunk);
  });
});

describe("what was cut in the middle of a secret", () => {
  const secret = "correct-horse-battery-staple-ü";
  const mask = new Mask([secret]);

  test("by the limit of what is kept, at every place", () => {
    for (let shift = 0; shift <= 60; shift++) {
      const captured = new Captured(200);
      const text = "x".repeat(100 - shift) + secret + "y".repeat(300) + secret + "z".repeat(100 - shift);
      captured.add(Buffer.from(text));
      const shown = mask.text(captured.text());
      expect(shown).toContain("bytes cut");
      const pieces = shown.replaceAll(/\[… \d+ bytes cut …\]/g, "").split(/[xyz*\s]+/);
      expect(pieces.join(""), `${shift}: ${shown}`).toBe("");
    }
  });

  test("by the limit of a body, which its output tells beside it", () => {
    for (let kept = 1; kept < secret.length; kept++) {
      const body = `got ${secret.slice(0, kept)}`;
      expect(mask.json({ body, body_truncated: true, whole: "got c" })).toEqual({
        body: "got ***",
        body_truncated: true,
        whole: "got c",
      });
    }
  });

  test("by who shows a long value", () => {
    const shown = inspect(`${"x".repeat(90)}${secret}`, { maxStringLength: 100 });
    expect(mask.text(shown)).toMatch(/^'x+\*\*\*'\.\.\. \d+ more characters$/);
    expect(mask.text(`${secret.slice(0, 9)} […]`)).toBe("*** […]");
  });

  test("by the limit of a message", () => {
    const text = `exit code 1: token ${secret}`;
    for (let at = 20; at < text.length; at++) {
      expect(mask.text(cutAfter(text, at))).toMatch(/^exit code 1: token \*\*\* \[… \d+ characters cut\]$/);
    }
  });
});

describe("values as outputs have them", () => {
  test("texts and keys however deep, and numbers that hold one", () => {
    const mask = new Mask(["sesame-street", "481516"]);
    const output: JsonObject = {
      plain: "as it was",
      list: ["open sesame-street", { deep: [[base64("sesame-street")]] }],
      "key-sesame-street": true,
      pin: 481516,
      other: 48,
      none: null,
    };
    expect(mask.json(output)).toEqual({
      plain: "as it was",
      list: ["open ***", { deep: [["***"]] }],
      "key-***": true,
      pin: "***",
      other: 48,
      none: null,
    });
    const keys = JSON.parse('{"__proto__": {"a": "sesame-street"}}') as JsonObject;
    expect(JSON.stringify(mask.json(keys))).toBe('{"__proto__":{"a":"***"}}');
  });

  test("a value below four bytes is left, and empty ones harm nothing", () => {
    const mask = new Mask(["abc", "", "\n"]);
    expect(mask.text("abc abc")).toBe("abc abc");
  });

  test("of two values that begin alike the longer one is masked", () => {
    expect(new Mask(["token", "token-2"]).text("token-2 token-1")).toBe("*** ***-1");
  });

  test("what looks like digits in columns is not taken for a short one", () => {
    expect(new Mask(["123456"]).text("1\n2\n3\n4\n5\n6\n")).toBe("1\n2\n3\n4\n5\n6\n");
  });
});
