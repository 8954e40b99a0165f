import { describe, expect, test } from "vitest";
import {
  openServicePort,
  PortNotUsable,
  type ServicePort,
  type ServicePortOptions,
} from "../../internal/server/service-port.ts";

class Port {
  readonly #port: ServicePort;
  private constructor(port: ServicePort) {
    this.#port = port;
  }
  static async open(options: Partial<ServicePortOptions> = {}): Promise<Port> {
    return new Port(
      await openServicePort({
        port: 0,
        service: "worker",
        whyNotReady: () => undefined,
        metrics: { contentType: "text/plain; version=0.0.4", text: async () => "a_total 1\n" },
        ...options,
      }),
    );
  }
  get number(): number {
    return this.#port.port;
  }
  ask(path: string, method = "GET"): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#port.port}${path}`, { method });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#port.close();
  }
}

describe("the HTTP port of a service", () => {
  test.each(["/healthz", "/health", "/healthz?verbose=1"])("%s: it lives", async (path) => {
    await using port = await Port.open({ whyNotReady: () => "it is draining" });
    const response = await port.ask(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    expect(await response.json()).toEqual({ status: "healthy", service: "worker" });
  });

  test("/readyz: asked anew each time, with the reason", async () => {
    let why: string | undefined = "it is draining";
    await using port = await Port.open({ whyNotReady: () => why });
    const not = await port.ask("/readyz");
    expect([not.status, await not.json()]).toEqual([
      503,
      { status: "not-ready", service: "worker", reason: "it is draining" },
    ]);
    why = undefined;
    const ready = await port.ask("/readyz");
    expect([ready.status, await ready.json()]).toEqual([200, { status: "ready", service: "worker" }]);
  });

  test("/metrics: the text as it is", async () => {
    await using port = await Port.open();
    const response = await port.ask("/metrics");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    expect(await response.text()).toBe("a_total 1\n");
  });

  test.each(["/", "/healthz/", "/__proto__", "//healthz", "/metrics%00"])("%s: 404", async (path) => {
    await using port = await Port.open();
    expect((await port.ask(path)).status).toBe(404);
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s: 405", async (method) => {
    await using port = await Port.open();
    const response = await port.ask("/healthz", method);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("HEAD: the same without a body", async () => {
    await using port = await Port.open({ whyNotReady: () => "it is draining" });
    const response = await port.ask("/readyz", "HEAD");
    expect([response.status, await response.text()]).toEqual([503, ""]);
  });

  test("a page that fails breaks its own answer only", async () => {
    const text = (): Promise<string> => Promise.reject(new Error("no metrics"));
    await using port = await Port.open({ metrics: { contentType: "text/plain", text } });
    await expect(port.ask("/metrics")).rejects.toThrow("fetch failed");
    expect((await port.ask("/healthz")).status).toBe(200);
  });

  test("a port that is taken is told", async () => {
    await using first = await Port.open();
    const second = Port.open({ port: first.number });
    await expect(second).rejects.toThrow(PortNotUsable);
    await expect(second).rejects.toThrow(
      `port ${first.number} is taken: give another one by --http-port, or 0 for any that is free`,
    );
  });
});
