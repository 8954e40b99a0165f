/** K1 and K2 of ports/catalog.ts. */
import { describe, expect, it } from "vitest";
import type { NewVersion } from "../../internal/ports/catalog.ts";
import type { MakeFixture } from "./fixture.ts";

function version(name: string, source: string): NewVersion {
  const ref = (blob: string): NewVersion["source"] => ({ name: blob, bytes: 9, chunks: 1 });
  return {
    name,
    description: `about ${source}`,
    tags: ["nightly", name],
    tasks: 3,
    definition: ref(`def-${source}`),
    source: ref(source),
  };
}

export function catalogSuite(name: string, make: MakeFixture): void {
  describe(`catalog: ${name}`, () => {
    it("counts the versions of each name from 1, whoever adds them (K1)", async () => {
      await using fixture = await make();
      const [one, other] = [await fixture.open(), await fixture.open()];
      expect(await one.catalog.add(version("etl", "x"))).toMatchObject({
        ...version("etl", "x"),
        version: 1,
      });
      expect(await other.catalog.add(version("etl", "y"))).toMatchObject({ version: 2 });
      expect(await one.catalog.add(version("Größer. Schneller * >", "x"))).toMatchObject({ version: 1 });
      const versions = await one.catalog.versions("etl");
      expect(versions).toMatchObject([
        { ...version("etl", "x"), version: 1 },
        { ...version("etl", "y"), version: 2 },
      ]);
      expect(versions.every(({ deployedAt }) => deployedAt > 0)).toBe(true);
      expect(await other.catalog.versions("Größer. Schneller * >")).toHaveLength(1);
      expect(await other.catalog.versions("*")).toEqual([]);
    });

    it("adds nothing when the newest has the same source; going back to an older one is a version", async () => {
      await using fixture = await make();
      const { catalog } = await fixture.open();
      await catalog.add(version("etl", "x"));
      expect(await catalog.add(version("etl", "x"))).toBeUndefined();
      await catalog.add(version("etl", "y"));
      expect(await catalog.add(version("etl", "x"))).toMatchObject({ version: 3 });
    });

    it("lists the newest of each name, by name", async () => {
      await using fixture = await make();
      const { catalog } = await fixture.open();
      expect(await catalog.newest()).toEqual([]);
      for (const [dag, source] of [
        ["b", "1"],
        ["a", "1"],
        ["b", "2"],
      ] as const) {
        await catalog.add(version(dag, source));
      }
      expect((await catalog.newest()).map((each) => [each.name, each.version])).toEqual([
        ["a", 1],
        ["b", 2],
      ]);
    });

    it("makes versions of all that are added at once, without a gap (K2)", async () => {
      await using fixture = await make();
      const [one, other] = [await fixture.open(), await fixture.open()];
      const sources = Array.from({ length: 12 }, (_, i) => `s${i}`);
      await Promise.all(
        sources.map((source, i) => (i % 2 === 0 ? one : other).catalog.add(version("etl", source))),
      );
      const versions = await one.catalog.versions("etl");
      expect(versions.map((each) => each.version)).toEqual(sources.map((_, i) => i + 1));
      expect(versions.map(({ source }) => source.name).toSorted()).toEqual(sources.toSorted());
    });
  });
}
