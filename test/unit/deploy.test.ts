/** What the compose file and the Dockerfile promise, read from their text; test/integration/image.test.ts runs them. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { loadSettings } from "../../internal/config/load.ts";
import { loadDag } from "../../internal/spec/parse.ts";

/** What a drain may take beyond its shutdown time and the grace period, at most: ending, storing, and a server that does not answer. */
const DRAIN_MORE_MS = 10_000;

interface Service {
  readonly image: string;
  readonly build?: { readonly dockerfile: string; readonly args: Record<string, string> };
  readonly stop_grace_period: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly environment?: Record<string, string>;
  readonly depends_on?: Record<string, { readonly condition: string }>;
}

const textOf = (file: string): Promise<string> => readFile(new URL(`../../${file}`, import.meta.url), "utf8");

async function services(): Promise<Record<string, Service>> {
  const { services: all } = parse(await textOf("docker-compose.yml"), { merge: true }) as {
    services: Record<string, Service>;
  };
  return all;
}

test("the compose file has the three parts, and their images can be set", async () => {
  const all = await services();
  expect(Object.keys(all)).toEqual(["nats", "executor", "worker"]);
  expect(all.nats?.image).toMatch(/^\$\{NATS_IMAGE:-nats:[\w.-]+\}$/);
  for (const name of ["executor", "worker"]) {
    expect(all[name]).toMatchObject({
      image: "${DAG_IMAGE:-jetdag:latest}",
      build: { dockerfile: "deploy/Dockerfile", args: { BASE_IMAGE: "${BASE_IMAGE:-node:24-slim}" } },
      environment: { NATS_URL: "nats://nats:4222" },
      depends_on: { nats: { condition: "service_healthy" } },
    });
  }
});

test("the DAG that the compose file says to try needs no functions: its workers have none", async () => {
  const file = /npx dag run (\S+)/.exec(await textOf("docker-compose.yml"))?.[1] ?? "";
  const { tasks } = await loadDag(new URL(`../../${file}`, import.meta.url).pathname);
  expect(tasks.map(({ type }) => type)).not.toContain("function");
});

test.each(["executor", "worker"] as const)("%s: a stop waits for a drain", async (command) => {
  const { shutdownTimeout, grace } = loadSettings(command, { flags: {}, env: {} });
  const seconds = /^(\d+)s$/.exec((await services())[command]?.stop_grace_period ?? "")?.[1];
  expect(Number(seconds)).toBeGreaterThanOrEqual((shutdownTimeout + grace + DRAIN_MORE_MS) / 1_000);
});

test.each(["executor", "worker"] as const)("%s: it is asked where it answers", async (command) => {
  const { environment: env = {}, healthcheck } = (await services())[command] ?? {};
  const { httpPort } = loadSettings(command, { flags: {}, env });
  expect(healthcheck?.test.join(" ")).toContain(`http://127.0.0.1:${httpPort}/readyz`);
  expect(await textOf("deploy/Dockerfile")).toContain(`EXPOSE ${httpPort}\n`);
});

test("the image starts from what BASE_IMAGE names, with the user and the entry point that others rely on", async () => {
  const text = await textOf("deploy/Dockerfile");
  const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(bases).toEqual(["${BASE_IMAGE}", "${BASE_IMAGE}"]);
  expect(text).toMatch(/^USER 10001:10001$/m);
  expect(text).toMatch(/^ENTRYPOINT \["tini", "--", "worker"\]$/m);
});

test("all that the Dockerfile copies is in the build's context", async () => {
  const ignored = await textOf(".dockerignore");
  const copied = [...(await textOf("deploy/Dockerfile")).matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
  const names = copied.flatMap(([, sources]) => sources?.split(" ") ?? []);
  expect(names).toContain("package-lock.json");
  for (const name of names) {
    const kept = name.startsWith("tsconfig") ? "!tsconfig*.json" : `!${name}`;
    expect(ignored.split("\n")).toContain(kept);
  }
});
