import { expect, test } from "vitest";
import type { Artifact } from "../../internal/core/artifact.ts";
import { launchOf } from "../../internal/core/fan-out.ts";

function artifact(id: string, origin: string | null): Artifact {
  return { id, origin, producedBy: "a", name: "", size: null, mimeType: null, metadata: {} };
}

test("many groups and much that belongs to none of them: the groups hold it once together", () => {
  const own = Array.from({ length: 50_000 }, (_, i) => artifact(`g${i}`, `g${i}`));
  const shared = Array.from({ length: 20_000 }, (_, i) => artifact(`s${i}`, null));
  const launch = launchOf("grouped", [{ found: [], kept: [...shared, ...own], isFiltered: false }], 100_000);
  // A list for each would be 8 GB of references.
  const inputs = launch.kind === "instances" ? launch.inputs : [];
  expect(inputs).toHaveLength(50_000);
  expect(inputs[7]?.origin).toBe("g7");
  expect(inputs[7]?.artifacts.slice(0, 2).map(({ id }) => id)).toEqual(["g7", "s0"]);
  expect(inputs[7]?.artifacts).toHaveLength(20_001);
});
