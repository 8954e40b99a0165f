import { dag, LocalExecutor } from "jetdag";

const executor = new LocalExecutor();

executor.registerTaskExecutor({
  type: "shout",
  async execute({ command, params }, { log }) {
    if (command === "") return { ok: false, error: { reason: "bad-input", message: "nothing to shout" } };
    log(`shouting ${command}`);
    return { ok: true, output: { said: command.toUpperCase() + "!".repeat(params.marks ?? 1) } };
  },
});

await executor.start();
const { state, tasks } = await executor.execute({
  dag: dag("noise")
    .task("hello", { type: "shout", command: "hello" }, { params: { marks: 3 } })
    .task("nothing", { type: "shout" }, { dependsOn: ["hello"] }),
});
console.log(state, tasks.hello.output, tasks.nothing.error);
await executor.stop();
