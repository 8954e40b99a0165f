/** Is an executor the same for its attempts when those that run are counted? */
import { expect, test } from "vitest";
import { RunningCalls } from "../../cmd/running-calls.ts";
import { BashTaskExecutor } from "../../internal/tasks/bash.ts";
import { HttpTaskExecutor } from "../../internal/tasks/http.ts";
import { TaskExecutorRegistry } from "../../internal/tasks/registry.ts";
import type { TaskExecutor } from "../../internal/ports/task-executor.ts";

const plain: TaskExecutor = { type: "plain", execute: async () => ({ ok: true, output: {} }) };
const elsewhere: TaskExecutor = {
  ...plain,
  type: "elsewhere",
  seesFiles: { at: "/in", reader: { uid: 1, gid: 2 } },
};
const executors = [plain, elsewhere, new HttpTaskExecutor(), new BashTaskExecutor()];
const watched = new RunningCalls().watching(new TaskExecutorRegistry(executors));

test.each(executors)("$type sees files where and as it says", (executor) => {
  expect(watched.get(executor.type)).toMatchObject({ type: executor.type });
  expect(watched.get(executor.type)?.seesFiles).toEqual(executor.seesFiles);
});
