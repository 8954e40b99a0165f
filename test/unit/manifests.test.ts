import { readdir, readFile } from "node:fs/promises";
import { Deployment, type IDeployment, type IStatefulSet, StatefulSet } from "kubernetes-models/apps/v1";
import { type IService, Service } from "kubernetes-models/v1";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

const ROOT = new URL("../../", import.meta.url).pathname;

interface Manifest {
  readonly kind?: string;
  readonly spec?: object;
}

/** Throws when Kubernetes' schema refuses the object. */
function check(object: Manifest): void {
  switch (object.kind) {
    case "Deployment":
      new Deployment(object as IDeployment).validate();
      return;
    case "StatefulSet":
      new StatefulSet(object as IStatefulSet).validate();
      return;
    case "Service":
      new Service(object as IService).validate();
      return;
    default:
      throw new Error(`no schema for kind ${String(object.kind)}`);
  }
}

async function manifests(file: string): Promise<Manifest[]> {
  const text = await readFile(`${ROOT}k8s/${file}`, "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest);
}

describe("k8s/", () => {
  test("every manifest is what Kubernetes' schemas ask for", async () => {
    const files = await readdir(`${ROOT}k8s`);
    expect(files.toSorted()).toEqual(["executor.yaml", "nats.yaml", "worker.yaml"]);
    for (const file of files)
      for (const object of await manifests(file)) expect(() => check(object)).not.toThrow();
  });

  test("the check finds a planted mistake", async () => {
    const [worker] = await manifests("worker.yaml");
    expect(() => check({ ...worker, spec: { ...worker?.spec, replicas: "three" } })).toThrow(/replicas/);
    expect(() => check({ ...worker, spec: {} })).toThrow(/selector/);
  });

  test("a pod may drain longer than the shutdown timeout", async () => {
    for (const file of ["worker.yaml", "executor.yaml"]) {
      const [object] = await manifests(file);
      const spec = object?.spec as
        { template?: { spec: { terminationGracePeriodSeconds: number } } } | undefined;
      expect(spec?.template?.spec.terminationGracePeriodSeconds).toBeGreaterThan(30);
    }
  });
});
