/** Outputs that are nested tens of thousands deep: the attempt fails and says why, and what ran it goes on. */
import { expect, test } from "vitest";
import { bash, dag, fn, http, LocalExecutor } from "../../cmd/library/jetdag.ts";
import type { JsonObject, JsonValue } from "../../internal/core/json.ts";
import { TestHttp } from "../support/http-servers.ts";

const SECRET = "s3cr3t-t0k3n";
const LEVELS = 45_000;
const half = LEVELS / 2;
const DEEP = `${'{"a":'.repeat(half)}${"[".repeat(half)}"${SECRET}"${"]".repeat(half)}${"}".repeat(half)}`;
const PRINT = `head -c ${half} /dev/zero | tr '\\0' '[' | sed 's/.*/{"a":&/'; head -c ${half} /dev/zero | tr '\\0' ']'; echo }`;

function nested(): JsonObject {
  let value: JsonValue = SECRET;
  for (let i = 0; i < LEVELS; i++) value = i % 2 === 0 ? [value] : { value };
  return { value };
}

test("however it comes, with a secret to mask and without", async () => {
  await using server = await TestHttp.http((request, response) => {
    response.writeHead(request.url === "/" ? 200 : 500, { "content-type": "application/json" }).end(DEEP);
  });
  const ran = new LocalExecutor({ workerCount: 1, secrets: () => SECRET });
  ran.registerFunction("nested", nested);
  ran.registerTaskExecutor({ type: "own", execute: async () => ({ ok: true, output: nested() }) });
  await ran.start();
  try {
    const env = { S: "secret://S" };
    const params = { s: "secret://S" };
    const output = { output: "json" };
    const { tasks } = await ran.execute({
      dag: dag("deep", { onFailure: "continue" })
        .task("http", http({ url: server.url }))
        .task("http_masked", http({ url: server.url, headers: { s: "secret://S" } }))
        .task("http_failed", http({ url: `${server.url}/bad`, headers: { s: "secret://S" } }))
        .task("json", bash(`(${PRINT}) | tr -d '\\n'`), { with: output })
        .task("json_masked", bash(`(${PRINT}) | tr -d '\\n'`), { with: output, env })
        .task("file", bash(`(${PRINT}) >$JETDAG_OUTPUT_FILE`))
        .task("file_masked", bash(`(${PRINT}) >$JETDAG_OUTPUT_FILE`), { env })
        .task("function", fn("nested"))
        .task("function_masked", fn("nested"), { params })
        .task("own", { type: "own" })
        .task("own_masked", { type: "own" }, { params })
        .task("after", bash("echo alive")),
    });
    const { after, http_failed: failed, ...others } = tasks;
    for (const [id, { state, error }] of Object.entries(others)) {
      expect({ state, error }, id).toMatchObject({
        state: "failed",
        error: {
          reason: "output-not-serialisable",
          message: expect.stringMatching(/within each other (?:more than 1000 levels|too) deep/) as string,
        },
      });
    }
    expect(failed?.error?.reason).toBe("http-status");
    expect(failed?.error?.message).toMatch(/answered 500 \(and the output has objects or lists/);
    expect(after?.output?.stdout).toBe("alive");
    expect(JSON.stringify(tasks)).not.toContain(SECRET);
  } finally {
    await ran.stop();
  }
});
