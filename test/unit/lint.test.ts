/** Does each rule of ours bite? One small offence a rule is planted in a copy of the tree's shape, and linted. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A file, what stands in it, and the rule that must object. */
const OFFENCES: readonly [file: string, code: string, rule: string][] = [
  ["internal/core/a.ts", 'import "node:fs";', "no-restricted-imports"],
  ["internal/core/b.ts", 'import "../ports/clock.ts";', "no-restricted-imports"],
  ["internal/core/c.ts", 'export * from "zod";', "no-restricted-imports"],
  ["internal/core/d.ts", 'export const x = await import("../nats/a.ts");', "no-restricted-imports"],
  ["internal/core/expression/a.ts", 'import "../../ports/clock.ts";', "no-restricted-imports"],
  ["internal/core/expression/b.ts", 'import "re2js";', "no-restricted-imports"],
  ["internal/patterns/a.ts", 'import "../ports/clock.ts";', "no-restricted-imports"],
  ["internal/core/e.ts", "export const x = Date.now();", "no-restricted-globals"],
  ["internal/core/f.ts", "export const x = Math.random();", "no-restricted-properties"],
  ["internal/core/g.ts", "export const x = process.env;", "node(no-process-env)"],
  ["internal/ports/a.ts", 'import "../nats/a.ts";', "no-restricted-imports"],
  ["internal/executor/a.ts", 'import "../nats/a.ts";', "no-restricted-imports"],
  ["internal/executor/b.ts", 'import "node:crypto";', "no-restricted-imports"],
  ["internal/executor/c.ts", "setTimeout(() => undefined, 1);", "no-restricted-globals"],
  ["internal/executor/d.ts", "export const x = globalThis.performance.now();", "no-restricted-globals"],
  ["internal/worker/a.ts", 'import "../memory/a.ts";', "no-restricted-imports"],
  ["internal/worker/b.ts", 'import "pino";', "no-restricted-imports"],
  ["internal/worker/c.ts", "setInterval(() => undefined, 1);", "no-restricted-globals"],
  ["internal/worker/d.ts", "export const x = crypto.randomUUID();", "no-restricted-globals"],
  ["internal/spec/a.ts", 'import "../contract/a.ts";', "no-restricted-imports"],
  ["internal/contract/a.ts", 'import "yaml";', "no-restricted-imports"],
  ["internal/nats/a.ts", 'import "../memory/a.ts";', "no-restricted-imports"],
  ["internal/nats/server/a.ts", 'import "../run-log.ts";', "no-restricted-imports"],
  ["internal/memory/a.ts", 'import "@nats-io/jetstream";', "no-restricted-imports"],
  ["internal/tasks/http.ts", 'import "execa";', "no-restricted-imports"],
  ["internal/tasks/bash.ts", 'import "undici";', "no-restricted-imports"],
  ["internal/tasks/registry.ts", 'import "undici";', "no-restricted-imports"],
  ["internal/telemetry/a.ts", 'import "commander";', "no-restricted-imports"],
  ["internal/server/a.ts", 'import "../telemetry/a.ts";', "no-restricted-imports"],
  ["internal/server/b.ts", 'import "prom-client";', "no-restricted-imports"],
  ["internal/config/b.ts", 'import "node:fs";', "no-restricted-imports"],
  ["internal/config/a.ts", 'import "../nats/a.ts";', "no-restricted-imports"],
  ["internal/tasks/a.ts", "export const x = process.env.HOME;", "node(no-process-env)"],
  ["cmd/dag/a.ts", 'import "@nats-io/kv";', "no-restricted-imports"],
  ["cmd/dag/b.ts", "export const x = process.env.HOME;", "node(no-process-env)"],
  ["cmd/dag/c.ts", 'console.log("x");', "no-console"],
  ["internal/nats/b.ts", "process.exit(1);", "no-process-exit"],
  ["internal/memory/b.ts", "export default 1;", "no-default-export"],
  ["internal/memory/c.ts", "export function f(a, b, c, d) { return [a, b, c, d]; }", "max-params"],
  ["internal/memory/d.ts", "// a line\n".repeat(351), "max-lines"],
  ["internal/memory/e.ts", 'import "./f.ts";\nimport { f } from "./f.ts";\nexport const e = f;', "no-cycle"],
  ["internal/memory/f.ts", 'import { e } from "./e.ts";\nexport const f = e;', "no-cycle"],
  ["internal/memory/g.ts", "async function f(): Promise<void> {}\nf();", "no-floating-promises"],
  ["internal/memory/h.ts", "[1].forEach(async () => undefined);", "no-misused-promises"],
  [
    "internal/memory/i.ts",
    'export function f(x: "a" | "b"): void {\n  switch (x) {\n    case "a":\n  }\n}',
    "switch-exhaustiveness-check",
  ],
  ["test/unit/a.test.ts", vitest('test.only("a", () => expect(1).toBe(1));'), "no-focused-tests"],
  ["test/unit/b.test.ts", vitest('test.skip("a", () => expect(1).toBe(1));'), "no-disabled-tests"],
  [
    "test/unit/c.test.ts",
    vitest('test("a", () => { if (Math.abs(1)) expect(1).toBe(1); });'),
    "no-conditional-expect",
  ],
  ["test/unit/d.test.ts", vitest('test("a", () => { JSON.parse("1"); });'), "expect-expect"],
];

/** What must pass: the same things where they belong. */
const ALLOWED: readonly [file: string, code: string][] = [
  ["internal/core/ok.ts", 'import { x } from "./ok-too.ts";\nexport const y = x;'],
  ["internal/core/ok-too.ts", "export const x = 1;"],
  ["internal/executor/ok.ts", 'import { x } from "../core/ok-too.ts";\nexport const y = x;'],
  ["internal/nats/server/ok.ts", 'import { lock } from "proper-lockfile";\nexport const y = lock;'],
  ["internal/nats/ok.ts", 'import { connect } from "@nats-io/transport-node";\nexport const y = connect;'],
  [
    "internal/tasks/bash-ok.ts",
    'import { execa } from "execa";\nexport const y = [execa, process.env.PATH];',
  ],
  ["internal/tasks/http-ok.ts", 'import { request } from "undici";\nexport const y = request;'],
  ["internal/memory/ok.ts", 'import { hash } from "node:crypto";\nexport const y = [hash, Date.now()];'],
  [
    "cmd/dag/main.ts",
    'import { y } from "../../internal/nats/ok.ts";\nexport const x = [y, process.env.PATH];',
  ],
];

function vitest(code: string): string {
  return `import { expect, test } from "vitest";\n${code}\n`;
}

let folder: string;
let found: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "jetdag-lint-"));
  for (const name of [".oxlintrc.json", "tsconfig.json", "package.json"]) {
    await copyFile(join(ROOT, name), join(folder, name));
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [file, code] of [...OFFENCES, ...ALLOWED]) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), code);
  }
  found = await lint(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The problems, a line each, as `file:line:column: text [Error/rule]`. */
async function lint(cwd: string): Promise<string[]> {
  const oxlint = join(ROOT, "node_modules", "oxlint", "bin", "oxlint");
  const args = [oxlint, "--type-aware", "--format", "unix", "cmd", "internal", "test"];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && stdout === "") reject(new Error(`oxlint did not run: ${stderr}`));
      else resolve(stdout.split("\n"));
    });
  });
}

test.each(OFFENCES)("%s: %j is refused by %s", (file, _code, rule) => {
  const own = found.filter((line) => line.startsWith(`${file}:`));
  expect(own.join("\n")).toContain(rule);
});

test.each(ALLOWED)("%s: %j is allowed", (file) => {
  expect(found.filter((line) => line.startsWith(`${file}:`))).toEqual([]);
});
