/** Would a cluster take the manifests, and does the workers' Deployment still say what it was asked to say? */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Deployment, StatefulSet } from "kubernetes-types/apps/v1.d.ts";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { netPolicyOf } from "../../cmd/net-policy.ts";
import { loadSettings } from "../../internal/config/load.ts";
import { type Manifest, schemaProblems } from "../support/kubernetes.ts";

/** What a drain may take beyond its shutdown time and the grace period, at most: ending, storing, and a server that does not answer. */
const DRAIN_MORE_MS = 10_000;

const FOLDER = fileURLToPath(new URL("../../k8s/", import.meta.url));

const textOf = (file: string): Promise<string> => readFile(FOLDER + file, "utf8");
const objectsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

const deployment = async (file: string): Promise<Deployment> =>
  objectsOf(await textOf(file))[0] as Deployment;

test("the kustomization names every file", async () => {
  const { resources } = parse(await textOf("kustomization.yaml")) as { resources: string[] };
  expect([...resources, "kustomization.yaml"].toSorted()).toEqual((await readdir(FOLDER)).toSorted());
});

test("Kubernetes' schemas have nothing to say against any of them", async () => {
  const texts = await Promise.all(["nats.yaml", "executor.yaml", "worker.yaml"].map(textOf));
  const objects = texts.flatMap(objectsOf);
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata?.name}`)).toEqual([
    ...["Service nats-service", "ConfigMap nats-config", "StatefulSet nats"],
    ...["Deployment dag-executor", "Deployment dag-worker"],
  ]);
  expect((await schemaProblems(objects)).flat()).toEqual([]);
});

test("the mount of secrets that is commented out is right when it is taken in", async () => {
  const text = (await textOf("worker.yaml")).replaceAll(/^( *)# ( *(?:- )?[a-z]\w*:.*)$/gm, "$1$2");
  const objects = objectsOf(text);
  const { spec } = (objects[0] as Deployment).spec?.template ?? {};
  expect(spec?.volumes).toEqual([{ name: "secrets", secret: { secretName: "jetdag-secrets" } }]);
  const folder = spec?.containers[0]?.env?.find(({ name }) => name === "JETDAG_SECRETS_DIR")?.value;
  expect(spec?.containers[0]?.volumeMounts).toEqual([{ name: "secrets", mountPath: folder, readOnly: true }]);
  expect((await schemaProblems(objects)).flat()).toEqual([]);
});

test("the schema check finds planted mistakes", async () => {
  const mistakes: [from: string, to: string, problem: string][] = [
    ["replicas: 3", "replica: 3", "'\"replica\"' does not exist"],
    ["args:", "arg:", "'\"arg\"' does not exist"],
    ["replicas: 3", 'replicas: "3"', "not assignable to type 'number'"],
    ['"10"', "10", "not assignable to type 'string'"],
    ["  selector:\n    matchLabels:\n      app: dag-worker\n", "", "'selector' is missing"],
    ["apps/v1", "apps/v9", "Cannot find module"],
    ["Deployment", "Deploymint", "no exported member"],
  ];
  const good = await textOf("worker.yaml");
  const bad = mistakes.map(([from, to]) => good.replace(from, to));
  expect(bad).not.toContain(good);
  const found = await schemaProblems(bad.flatMap(objectsOf));
  expect(found.map((problems) => problems.join("\n"))).toEqual(
    mistakes.map(([, , problem]) => expect.stringContaining(problem) as string),
  );
});

describe("what the schemas cannot see", () => {
  test.each(["worker.yaml", "executor.yaml", "nats.yaml"])(
    "%s: a selector finds its own pods",
    async (file) => {
      const objects = objectsOf(await textOf(file)) as (Deployment | StatefulSet)[];
      const { selector, template } = objects.at(-1)?.spec ?? {};
      expect(template?.metadata?.labels).toMatchObject({ ...selector?.matchLabels });
      expect(Object.keys(selector?.matchLabels ?? {})).toEqual(["app"]);
    },
  );

  test("the service finds the server's pods, at the address that the programs are given", async () => {
    const [service, , server] = objectsOf(await textOf("nats.yaml"));
    expect(service).toMatchObject({ spec: { selector: { app: "nats" }, ports: [{ port: 4222 }] } });
    expect(server).toMatchObject({ spec: { serviceName: service?.metadata?.name } });
    for (const file of ["worker.yaml", "executor.yaml"]) {
      expect(await textOf(file)).toContain(`nats://${service?.metadata?.name}:4222`);
    }
  });

  test.each(["worker", "executor"] as const)("%s: a pod has time to drain", async (command) => {
    const { shutdownTimeout, grace } = loadSettings(command, { flags: {}, env: {} });
    const { spec } = await deployment(`${command}.yaml`);
    const seconds = spec?.template.spec?.terminationGracePeriodSeconds;
    expect(seconds).toBeGreaterThanOrEqual((shutdownTimeout + grace + DRAIN_MORE_MS) / 1_000);
  });

  test.each(["worker.yaml", "executor.yaml", "nats.yaml"])("%s: amounts are such", async (file) => {
    const amounts = [...(await textOf(file)).matchAll(/(?:memory|cpu|storage): "?([^"\n]+)"?/g)];
    expect(amounts.length).toBeGreaterThan(2);
    for (const [, amount] of amounts) expect(amount).toMatch(/^[1-9]\d*(m|Mi|Gi)?$/);
  });

  test.each(["worker", "executor"] as const)("%s: it is asked where it answers", async (command) => {
    const { spec } = await deployment(`${command}.yaml`);
    const { metadata, spec: pod } = spec?.template ?? {};
    const [container] = pod?.containers ?? [];
    const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
    const { httpPort } = loadSettings(command, { flags: {}, env });
    expect(httpPort).toBe(8_080);
    expect(container?.ports).toEqual([{ name: "http", containerPort: httpPort }]);
    expect(container?.readinessProbe?.httpGet).toEqual({ path: "/readyz", port: "http" });
    expect(container?.livenessProbe?.httpGet).toEqual({ path: "/healthz", port: "http" });
    expect(metadata?.annotations).toMatchObject({ "prometheus.io/port": String(httpPort) });
  });

  test("the workers' http tasks reach the Internet, and nothing of the cluster", async () => {
    const { spec } = await deployment("worker.yaml");
    const [container] = spec?.template.spec?.containers ?? [];
    const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));
    const policy = netPolicyOf(loadSettings("worker", { flags: {}, env }).allowNet);
    const allowed = ["1.1.1.1", "10.0.0.1", "127.0.0.1", "169.254.169.254"].filter((address) =>
      policy.allows(address, address),
    );
    expect(allowed).toEqual(["1.1.1.1"]);
  });

  test("the workers' Deployment is the one that was asked for", async () => {
    const { metadata, spec } = await deployment("worker.yaml");
    expect(metadata?.name).toBe("dag-worker");
    expect(spec).toMatchObject({ replicas: 3, selector: { matchLabels: { app: "dag-worker" } } });
    expect(spec?.template.spec?.containers).toHaveLength(1);
    const [worker] = spec?.template.spec?.containers ?? [];
    expect(worker).toMatchObject({
      name: "worker",
      image: "dag-worker:latest",
      args: ["--nats", "nats://nats-service:4222", "--workers", "10"],
      resources: {
        requests: { memory: "512Mi", cpu: "500m" },
        limits: { memory: "2Gi", cpu: "2000m" },
      },
    });
    // The image's own entry point is the worker.
    expect(worker?.command).toBeUndefined();
  });
});
