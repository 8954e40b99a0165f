import { setTimeout } from "node:timers/promises";
import { dag, fn, LocalExecutor } from "jetdag";

const executor = new LocalExecutor();

executor.registerFunction("count", ({ text }) => ({ words: text.split(" ").length }));

// What it throws is its failure. Each attempt has an identity of its own.
executor.registerFunction("double", ({ count__words }, { identity, log }) => {
  log(`attempt ${identity.attempt}`);
  if (identity.attempt === 1) throw new Error("not yet");
  return 2 * count__words;
});

// The signal says that the attempt must end: time limit, cancel, or the end of the worker.
executor.registerFunction("wait", async (_params, { signal }) => {
  await setTimeout(60_000, undefined, { signal });
});

await executor.start();
const { tasks } = await executor.execute({
  params: { text: "one two three" },
  dag: dag("words")
    .task("count", fn("count"))
    .task("double", fn("double"), { dependsOn: ["count"], retries: 1, retry: { initial: "50ms" } })
    .task("wait", fn("wait"), { timeout: "100ms" }),
});
console.log(tasks.count.output, tasks.double.output, tasks.double.attempts, tasks.wait.error.reason);
await executor.stop();
