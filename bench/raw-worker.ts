/** A worker of the raw probe: takes tasks, does nothing, publishes the results of one turn together, acknowledges. */
import { type JsMsg, jetstream } from "@nats-io/jetstream";
import { connect, createInbox } from "@nats-io/transport-node";
import type { RawResult } from "./raw.ts";

interface Ended {
  readonly message: JsMsg;
  readonly name: string;
  readonly result: RawResult;
}

const nc = await connect({ servers: process.argv[2] ?? "", noAsyncTraces: true });
const encoder = new TextEncoder();
const inbox = createInbox();
const stored = new Map<string, readonly Ended[]>();
let bag: Ended[] = [];
let turn = 0;

nc.subscribe(`${inbox}.*`, {
  callback: (_error, { subject }) => {
    const token = subject.slice(inbox.length + 1);
    for (const { message } of stored.get(token) ?? []) message.ack();
    stored.delete(token);
  },
});

function flush(): void {
  const byRun = new Map<string, Ended[]>();
  for (const ended of bag) byRun.set(ended.name, [...(byRun.get(ended.name) ?? []), ended]);
  bag = [];
  for (const [name, ended] of byRun) {
    const token = String(++turn);
    stored.set(token, ended);
    const body = ended.map(({ result }) => ({
      ...result,
      ok: true,
      worker: process.pid,
      out: "x".repeat(40),
    }));
    nc.publish(`raw.r.0.${name}.${process.pid}.${token}`, encoder.encode(JSON.stringify(body)), {
      reply: `${inbox}.${token}`,
    });
  }
}

async function noop(): Promise<void> {
  // What is measured is the way there and back.
}

async function handle(message: JsMsg): Promise<void> {
  const { name, run, task } = message.json<RawResult & { name: string }>();
  await noop();
  bag.push({ message, name, result: { run, task } });
  if (bag.length === 1) setImmediate(flush);
}

const consumer = await jetstream(nc).consumers.get("RAW_T", "w");
await consumer.consume({ max_messages: 200, callback: (message) => void handle(message) });
process.on("disconnect", () => process.exit());
process.send?.("ready");
