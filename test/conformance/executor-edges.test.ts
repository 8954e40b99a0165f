import { expect, test } from "vitest";
import {
  type DagDefinition,
  DistributedExecutor,
  LocalExecutor,
  type Observation,
  SequentialExecutor,
} from "../../cmd/library/jetdag.ts";
import { until } from "../support/until.ts";

type Tasks = DagDefinition["tasks"];

const seen: Observation[] = [];
const observer = { observe: (observation: Observation) => void seen.push(observation) };

test("sequential runs in topological order, one at a time", async () => {
  const from = seen.length;
  await using executor = new SequentialExecutor({ observer });
  await executor.start();
  const tasks: Tasks = [
    { id: "c", type: "function", command: "echo", depends_on: ["a"] },
    { id: "a", type: "function", command: "echo" },
    { id: "b", type: "function", command: "echo" },
    { id: "d", type: "function", command: "echo", depends_on: ["c", "b"] },
  ];
  await executor.execute({ dag: { name: "order", tasks } });
  const order = seen.slice(from).flatMap((each) => {
    if (each.kind === "attempt-started") return [`+${each.attempt.task}`];
    return each.kind === "attempt-ended" ? [`-${each.outcome.task}`] : [];
  });
  expect(order.filter((each) => each.startsWith("-"))).toEqual(["-a", "-b", "-c", "-d"]);
  expect(order.filter((each) => each.startsWith("+"))).toEqual(["+a", "+b", "+c", "+d"]);
});

test("an executor that is not started, and one that is stopped, say so", async () => {
  const executor = new LocalExecutor();
  expect(executor.getStatus().running).toBe(false);
  const dag = { name: "x", tasks: [{ id: "a", command: "sleep 100" }] };
  await expect(executor.execute({ dag })).rejects.toThrow("call start()");
  expect(() => new LocalExecutor({ workerCount: 0 })).toThrow("workerCount must be a whole number from 1 up");
  expect(() => new LocalExecutor({ maxMemoryMb: 5 })).toThrow("enableDocker");
  expect(() => new DistributedExecutor({ nats: "x", enableDocker: true })).toThrow(
    "enableDocker: no task runs",
  );
  const quick = new LocalExecutor({ shutdownTimeout: "50ms", gracePeriod: "50ms" });
  await quick.start();
  const handle = await quick.submit({ dag });
  await until(() => quick.getStatus().activeTasks === 1);
  await quick.stop();
  await expect(handle.result()).rejects.toThrow("was stopped before run");
});
