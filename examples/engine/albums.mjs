// A product in which pipelines are a feature: jetdag's engine over a database and a queue of its own.
// `npm install jetdag libsql`, then `node albums.mjs albums.db`. Kill it with `kill -9` whenever you like, and start it again.
import Database from "libsql";
import { Engine } from "jetdag/engine";

const db = new Database(process.argv[2] ?? "albums.db");
db.exec(`
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS events (run TEXT, number INTEGER, event TEXT, PRIMARY KEY (run, number));
  CREATE TABLE IF NOT EXISTS queue (id TEXT PRIMARY KEY, task TEXT);
  CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, state TEXT DEFAULT 'running', retries INTEGER DEFAULT 0);
  CREATE TABLE IF NOT EXISTS shrunk (task TEXT PRIMARY KEY, photo TEXT);
  CREATE TABLE IF NOT EXISTS albums (task TEXT PRIMARY KEY, title TEXT, photos TEXT);
`);
const sql = {
  append: db.prepare("INSERT INTO events VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
  read: db.prepare("SELECT event FROM events WHERE run = ? AND number >= ? ORDER BY number"),
  enqueue: db.prepare("INSERT INTO queue VALUES (?, ?) ON CONFLICT DO NOTHING"),
  next: db.prepare("SELECT id, task FROM queue ORDER BY rowid LIMIT 1"),
  remove: db.prepare("DELETE FROM queue WHERE id = ?"),
  begin: db.prepare("INSERT INTO runs (id) VALUES (?) ON CONFLICT DO NOTHING"),
  end: db.prepare("UPDATE runs SET state = ? WHERE id = ?"),
  again: db.prepare("UPDATE runs SET retries = retries + 1 WHERE id = ? AND retries < 3"),
  shrink: db.prepare("INSERT INTO shrunk VALUES (?, ?) ON CONFLICT DO NOTHING"),
  bind: db.prepare("INSERT INTO albums VALUES (?, ?, ?) ON CONFLICT DO NOTHING"),
  album: db.prepare("SELECT title, photos FROM albums"),
};

/** What the engine keeps: a list of events for each run. @type {import("jetdag/engine").EventStore} */
const store = {
  append: async (run, number, event) => sql.append.run(run, number, JSON.stringify(event)).changes === 1,
  read: async (run, from) => sql.read.all(run, from).map(({ event }) => JSON.parse(event)),
};

const engine = new Engine({
  store,
  // The same task may come twice: the queue has it once.
  dispatch: (task) => void sql.enqueue.run(task.id, JSON.stringify(task)),
  cancel: (task) => void sql.remove.run(task.id),
  onEnd: async ({ runId, state, message }) => {
    console.log(`${runId} ${state} ${message}`.trim());
    if (state !== "completed" && sql.again.run(runId).changes === 1) await engine.retry(runId);
    else sql.end.run(state, runId);
  },
});

/** How the nodes of a pipeline are run. What they do they do once, however often they are called for the same task. */
const plugins = {
  find: () =>
    ["lake.jpg", "notes.txt", "hill.jpg", "town.jpg"].map((name) => ({ id: name, name, size: 9_000 })),
  shrink: (input, task) => {
    // As things go: the first try fails.
    if (input.file_name === "hill.jpg" && task.attempt === 1) throw new Error("the disk is full");
    sql.shrink.run(task.id, input.file_name);
    return [{ id: `small/${input.file_name}`, name: input.file_name, size: 900, metadata: { width: 640 } }];
  },
  bind: (input, task) => {
    const photos = input.artifacts.map(({ file_name, metadata }) => `${file_name} (${metadata.width})`);
    sql.bind.run(task.id, input.title, photos.join(", "));
    return [];
  },
};

/** As people draw it in the product. @type {import("jetdag/engine").Pipeline} */
const pipeline = {
  nodes: [
    { slug: "find", plugin: "find" },
    {
      slug: "shrink",
      plugin: "shrink",
      dependsOn: ["find"],
      edgeFilters: { find: { rules: [{ field: "file_type", op: "eq", value: "image" }] } },
    },
    {
      slug: "bind",
      plugin: "bind",
      dependsOn: ["shrink"],
      fanMode: "aggregate",
      bindings: { title: { source: "runtime", label: "Title of the album", required: true } },
    },
  ],
};

/** The queue's worker: what it has done goes from the queue last. */
async function work() {
  for (let row = sql.next.get(); row !== undefined; row = sql.next.get()) {
    const task = JSON.parse(row.task);
    const input = await engine.taskInput(task, { pathOf: ({ name }) => `/photos/${name}` });
    // Nothing: somebody has done it, or the run has ended.
    if (input !== undefined) await run(task, input);
    sql.remove.run(row.id);
  }
}

async function run(task, input) {
  let artifacts;
  try {
    artifacts = await plugins[task.plugin](input, task);
  } catch (error) {
    await engine.fail(task, error.message);
    return;
  }
  await engine.complete(task, artifacts);
}

sql.begin.run("holidays");
// A run that is there already goes on where a process that was killed left it.
await engine.start("holidays", pipeline, { title: "Holidays" });
await work();

const { title, photos } = sql.album.get();
console.log(`${title}: ${photos}`);
