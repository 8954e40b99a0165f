import { expect, test } from "vitest";
import { TestFolder } from "../support/folder.ts";
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

const SEED = "SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4";

test.each([
  ["is empty", "", "unable to parse credentials"],
  ["is something else", "password: secret\n", "unable to parse credentials"],
  [
    "lacks the seed",
    "-----BEGIN NATS USER JWT-----\neyJ0\n------END NATS USER JWT------\n",
    "unable to parse",
  ],
  [
    "has a broken seed",
    `-----BEGIN NATS USER JWT-----\neyJ0\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${SEED.slice(0, 20)}\n------END USER NKEY SEED------\n`,
    "holds no user JWT and NKEY seed",
  ],
])("a credentials file that %s is told at once, without what stands in it", async (_name, text, why) => {
  await using folder = await TestFolder.make();
  const creds = await folder.write("user.creds", text);
  const connecting = connectNats({ servers: "nats://localhost:1", name: "test", creds });
  const error = (await connecting.catch((each: unknown) => each)) as Error;
  expect(error.message).toContain(`the credentials file '${creds}' holds no user JWT and NKEY seed`);
  expect(error.message).toContain(why);
  expect(error.message).not.toMatch(/secret|SUAIB/);
});
