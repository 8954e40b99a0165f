/** Is a URL that is a secret hidden as well where it stands without its host? */
import { expect, test } from "vitest";
import { Mask } from "../../internal/core/mask.ts";

const HOOK = "http://127.0.0.1:14998/Hook/PathKeyABCdef123?k=Zz9&n=1";
test.each([
  ["a page of what is not there", "404 no /Hook/PathKeyABCdef123?k=Zz9&n=1", "404 no ***"],
  ["such a page in HTML", "<p>/Hook/PathKeyABCdef123?k=Zz9&amp;n=1</p>", "<p>***</p>"],
  ["in JSON as Go writes it", String.raw`{"at":"/Hook/PathKeyABCdef123?k=Zz9\u0026n=1"}`, '{"at":"***"}'],
  ["a request line", "> GET /Hook/PathKeyABCdef123?k=Zz9&n=1 HTTP/1.1", "> GET *** HTTP/1.1"],
  ["its path", "path /Hook/PathKeyABCdef123, gone", "path ***, gone"],
  ["its path within another query", "?next=%2FHook%2FPathKeyABCdef123&x", "?next=***&x"],
  ["its query", "query ?k=Zz9&n=1.", "query ***."],
  ["its host", "127.0.0.1:14998", "127.0.0.1:14998"],
])("%s", (_what, text, masked) => {
  expect(new Mask([HOOK]).text(text)).toBe(masked);
  expect(new Mask([`${HOOK}#part\n`]).text(text)).toBe(masked);
});

test("as it is written, and as it is read", () => {
  const mask = new Mask(["https://h.test/a/../Schlüssel/x?wörter=1"]);
  for (const path of ["/a/../Schlüssel/x", "/Schl%C3%BCssel/x", "?wörter=1", "?w%C3%B6rter=1"]) {
    expect(mask.text(`<${path}>`)).toBe("<***>");
  }
});

test("its password by itself, and who it logs in where there is none", () => {
  const mask = new Mask(["postgres://admin:p%40ss-word@db:5432/x", "https://ghp_Token1@git.test/"]);
  const login = Buffer.from("admin:p@ss-word").toString("base64");
  expect(mask.text("admin, p%40ss-word, p@ss-word, ghp_Token1")).toBe("admin, ***, ***, ***");
  expect(mask.text(login).length).toBeLessThan(login.length - 8);
});

test("what is short in it, and what is none, masks nothing", () => {
  const mask = new Mask(["https://h.test/api?a=1", "redis://user:@cache:6379/0", "no://url at/all-of-it"]);
  expect(mask.text("/api ?a=1 h.test user cache /0 /all-of-it")).toBe(
    "/api ?a=1 h.test user cache /0 /all-of-it",
  );
});
