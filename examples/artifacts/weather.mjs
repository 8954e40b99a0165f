import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { artifacts } from "jetdag/functions";

/** Records: they have metadata alone. */
export function cities() {
  const all = ["Malmö", "Oslo", "Turku"];
  return artifacts(all.map((city) => ({ metadata: { city, coast: city !== "Oslo" } })));
}

/** Reads the files that it is given, and hands over one; its output says how many they were. */
export async function bulletin({ artifacts: given }, { folder }) {
  const texts = await Promise.all(given.map(({ file_path: path }) => readFile(path, "utf8")));
  const path = join(await folder(), "bulletin.txt");
  await writeFile(path, texts.join(""));
  return artifacts([{ path, metadata: { day: "Monday" } }], { forecasts: texts.length });
}
