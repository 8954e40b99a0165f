import { expect, test } from "vitest";
import { connectNats, withoutSecrets } from "../../internal/nats/connection.ts";

test.each([
  ["nats://localhost:4222", "nats://localhost:4222"],
  ["nats://user:secret@host:4222", "nats://host:4222"],
  ["nats://token@host", "nats://host"],
  ["user:secret@host", "host"],
  ["nats://a:1, tls://user:secret@b:2,user:secret@c", "nats://a:1, tls://b:2,c"],
  ["nats://user:sec/ret@host:4222", "nats://host:4222"],
  ["nats://user:sec@ret@host:4222", "nats://host:4222"],
])("%s is shown as %s", (servers, shown) => {
  expect(withoutSecrets(servers)).toBe(shown);
});

test("an address that is none is told without its secrets", async () => {
  const connecting = connectNats({ servers: "http://user:secret@host", name: "test" });
  await expect(connecting).rejects.toThrow("'http://host' is no NATS address; write nats://host:4222");
});
