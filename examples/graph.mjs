import { fileURLToPath } from "node:url";
import { graphOf, loadDag } from "jetdag";

const file = fileURLToPath(new URL("quickstart/quickstart.yaml", import.meta.url));
const graph = graphOf(await loadDag(file));

console.log("roots:", graph.roots());
console.log("leaves:", graph.leaves());
console.log("before convert:", graph.upstream("convert"));
console.log("after by_shop:", graph.downstream("by_shop"));
console.log("at the same time:", graph.parallelSets());

// How long tasks are known to run; the others are taken to run for their time limit, else for a minute.
const { durationMs, path, tasks } = graph.criticalPath({ flaky: "5m" });
console.log("critical:", path, durationMs / 1_000, "s");
for (const [id, { earliestStartMs, slackMs }] of tasks) {
  console.log(id, "starts at", earliestStartMs / 1_000, "s, slack", slackMs / 1_000, "s");
}
