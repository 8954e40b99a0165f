// Preloaded into a program that uses a database: kills it right before the statement of this number, as `kill -9` does.
import Database from "libsql";

const at = Number(process.env.KILL_AT);
let statements = 0;

const statement = Object.getPrototypeOf(new Database(":memory:").prepare("SELECT 1"));
for (const name of ["run", "get", "all"]) {
  const before = statement[name];
  statement[name] = function counted() {
    if (++statements === at) process.kill(process.pid, "SIGKILL");
    return Reflect.apply(before, this, arguments);
  };
}
