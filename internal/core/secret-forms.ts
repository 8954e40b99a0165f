/**
 * The forms in which the value of a secret turns up where it was printed: as it is, in quotes, in base64 at each place
 * among other bytes, encoded for URLs, escaped for HTML, and as a URL is that was read. Of a value of several lines, each
 * line as well, as PEM keys and files of JSON have them; of a URL, what servers tell of it without its host.
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

const IN_QUOTES_AS_IT_IS = /^[\w+=.:%@-]*$/;

const IS_URL = /^[a-z][a-z\d+.-]*:\/\//i;
const URL_PARTS =
  /^[^:]*:\/\/(?:(?<username>[^/?#:]*)(?::(?<password>[^/?#]*))?@)?[^/?#@]*(?<pathname>[^?#]*)(?<search>\?[^#]*)?/;

/** A line that is shorter says nothing by itself; nor does a path. */
const MIN_LINE = 8;
const MIN_URL_PART = 8;

export function formsOf(value: string): Set<string> {
  // Half of a surrogate pair would not be encoded.
  const whole = DECODER.decode(ENCODER.encode(value));
  const trimmed = whole.trim();
  const all = [whole, trimmed, ...urlParts(trimmed)].flatMap((each) => [
    each,
    ...quotedForms(each),
    ...htmlForms(each),
    ...base64Forms(each),
    ...urlForms(each),
    ...readForms(each),
  ]);
  return new Set([...all, ...linesOf(whole).flatMap((line) => [line, ...quotedForms(line)])]);
}

/** A file of JSON has the breaks of its texts as `\n`. */
function linesOf(value: string): string[] {
  const lines = value.split(/\r?\n|\\r\\n|\\n/).map((line) => line.trim());
  return lines.length === 1 ? [] : lines.filter((line) => line.length >= MIN_LINE);
}

/** In quotes of either kind, as JSON, JavaScript and Python show it; and as shells do. */
function quotedForms(value: string): string[] {
  if (IN_QUOTES_AS_IT_IS.test(value)) return [];
  const single = inQuotes(value).replaceAll('\\"', '"');
  const quoted = [single, single.replaceAll("'", String.raw`\'`)].flatMap(alsoInAscii);
  const json = [...new Set(jsonForms(value))];
  // An answer that was JSON is often part of another one.
  const inJson = json.flatMap((each) => alsoInAscii(inQuotes(each)));
  // What `set -x` traces, and what `printf %q` prints.
  const traced = value.replaceAll("'", String.raw`'\''`);
  const escapedByShell = value.replaceAll(/[ \t!"$&'()*,;<>?[\\\]^`{|}]|^[#~]/g, String.raw`\$&`);
  return [...json, ...inJson, ...quoted, traced, escapedByShell];
}

/** Go escapes what HTML might take for its own, and PHP slashes; some write ASCII only. */
function jsonForms(value: string): string[] {
  const text = inQuotes(value);
  return [text, text.replaceAll(/[<>&]/g, escaped), text.replaceAll("/", String.raw`\/`)].flatMap(
    alsoInAscii,
  );
}

function inQuotes(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function alsoInAscii(text: string): string[] {
  return [text, text.replaceAll(/[\u007f-\uffff]/g, escaped)];
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Those who escape differ in whether they escape quotes, and how. */
function htmlForms(value: string): string[] {
  if (!/[&<>"']/.test(value)) return [];
  const text = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const doubled = text.replaceAll('"', "&quot;");
  return [
    text,
    doubled,
    ...["&#39;", "&#x27;", "&apos;"].map((single) => doubled.replaceAll("'", single)),
    text.replaceAll('"', "&#34;").replaceAll("'", "&#39;"),
  ];
}

/** By itself, with and without a newline at its end and with and without padding, and after one, two or no bytes of a group of three. */
function base64Forms(value: string): string[] {
  const bytes = ENCODER.encode(value);
  const alone = [bytes, ENCODER.encode(`${value}\n`)].map(base64);
  const among = [0, 1, 2].map((before) => {
    const bits = 8 * (before + bytes.length);
    const shifted = new Uint8Array(before + bytes.length);
    shifted.set(bytes, before);
    const text = base64(shifted);
    // Characters that hold bits of what stands around it are not the same each time.
    return text.slice(Math.ceil((8 * before) / 6), Math.floor(bits / 6));
  });
  const forms = [...alone, ...alone.map((text) => text.replace(/=+$/, "")), ...among];
  return [...forms, ...forms.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))];
}

function base64(bytes: Uint8Array): string {
  let latin = "";
  // More at a time would not fit onto the stack.
  for (let i = 0; i < bytes.length; i += 8_192) latin += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  return btoa(latin);
}

/** Encoders differ in what they leave as it is, in how they write a blank, and in the case of digits. */
function urlForms(value: string): string[] {
  const component = encodeURIComponent(value);
  const strict = component.replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const path = strict.replaceAll("%2F", "/");
  const blanks = [strict, component, path].map((text) => text.replaceAll("%20", "+"));
  const form = new URLSearchParams([["", value]]).toString().slice(1);
  const forms = [component, strict, path, encodeURI(value), ...blanks, form];
  const lower = (text: string): string => text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  return [...forms, ...forms.map(lower)];
}

/** Where it was a URL, or in the host of one: who reads a URL puts its host into lower case, and more. */
function readForms(value: string): string[] {
  // What is below the limit of the mask must not become longer.
  if (value.length < 4 || /\s/.test(value)) return [];
  const isUrl = IS_URL.test(value);
  const isHost = !/[/:@?#\\]/.test(value);
  return [
    value.toLowerCase(),
    ...(isUrl ? readUrl(value, "href") : []),
    ...(isHost ? readUrl(`http://${value}`, "hostname") : []),
  ];
}

/**
 * Of a URL, what is as good as all of it to who knows its host: a request line, a page that says what is not there and
 * a redirect have path and query. Also who it logs in, who is the secret where there is no password.
 */
function urlParts(value: string): string[] {
  if (!IS_URL.test(value) || /\s/.test(value)) return [];
  const written = URL_PARTS.exec(value)?.groups ?? {};
  const read = URL.canParse(value) ? new URL(value) : undefined;
  const parts = [written, read ?? {}].flatMap(({ pathname = "", search = "" }: Partial<URL>) => [
    pathname + search,
    pathname,
    search,
  ]);
  const passwords = [written["password"] ?? "", read?.password ?? ""];
  // A token often logs in as a user of its own.
  if (passwords.every((each) => each === "")) parts.push(written["username"] ?? "", read?.username ?? "");
  const telling = parts.filter((part) => part.length >= MIN_URL_PART);
  return [...telling, ...passwords].filter((part) => part !== "").flatMap(alsoDecoded);
}

function alsoDecoded(text: string): string[] {
  try {
    return [text, decodeURIComponent(text)];
  } catch {
    return [text];
  }
}

function readUrl(text: string, part: "href" | "hostname"): string[] {
  return URL.canParse(text) ? [new URL(text)[part]] : [];
}
