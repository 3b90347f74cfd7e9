/**
 * Bodies of up to 10 MB that cost more than their size: each one is a former or possible fault. The
 * same for every target.
 */
import { gzipSync } from "node:zlib";

export interface HostileBody {
  readonly name: string;
  readonly contentType: string;
  readonly contentEncoding?: string;
  readonly make: () => Uint8Array<ArrayBuffer>;
}

const JSON_TYPE = "application/json";

/** Returns the bodies; scalable ones have `size` bytes. */
export function hostileBodies(size: number): readonly HostileBody[] {
  const list = (item: string): string =>
    `[${item.repeat(Math.floor(size / item.length) - 1).slice(0, -1)}]`;
  const wide = `€${"x".repeat(size - 100)}`;
  const texts: Readonly<Record<string, () => string>> = {
    zeros: () => list("0,"),
    "empty objects": () => list("{},"),
    "empty lists": () => list("[],"),
    "lists of one": () => list("[0],"),
    texts: () => list('"ab",'),
    "numbers that are not exact": () => list("12345678901234567,"),
    "open brackets": () => "[".repeat(size),
    "open objects": () => '{"a":'.repeat(size / 5),
    depth: () => "[".repeat(size / 2) + "]".repeat(size / 2),
    "20,000 levels": () => "[".repeat(20_000) + "]".repeat(20_000),
    "900 levels": () => "[".repeat(900) + "]".repeat(900),
    names: () => `{${named(size, (name) => `"${name}":0`)}}`,
    "objects of other names": () => `[${named(size, (name) => `{"${name}":0}`)}]`,
    "a long name": () => `{"${"x".repeat(size - 10)}":0}`,
    "a long name of letters that are escaped": () =>
      `{"${String.raw`\u0000`.repeat(size / 6 - 2)}":0}`,
    "long names": () =>
      `{${Array.from({ length: 25 }, (_, at) => `"${at}${"ü".repeat(size / 60)}":0`).join(",")}}`,
    "records that are none": () => `{"Records":${list("0,")}}`,
    "records of S3 that are wrong": () =>
      `{"Records":${list('{"eventName":1,"s3":{"bucket":{}}},')}}`,
    "a message in a message": () => messages(size),
    lines: () => `${"\n".repeat(size - 1)}}`,
    "a line that ends too early": () => `${list("0,")},`,
    "a completion": () => `{"status":"succeeded","payload":${list("0,")}}`,
    "a completion that is none": () => `{"status":${list("0,")}}`,
    "an event": () => `{"specversion":"1.0","id":"1","source":"s","type":"t","data":${list("0,")}}`,
    "an event of bytes": () =>
      `{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"${"A".repeat(size - 100)}"}`,
    "a log-in": () => `{"token":"${"x".repeat(size - 20)}"}`,
    // One letter beyond Latin-1 makes V8 hold the whole text in two bytes a letter.
    "a wide text": () => JSON.stringify(wide),
    "an escaped letter that makes a text wide": () =>
      `"${String.raw`\u20ac`}${"x".repeat(size - 20)}"`,
    "a list of a wide text": () => JSON.stringify([wide]),
    "a member of a wide text": () => JSON.stringify({ id: "evt_1", data: wide }),
    "an id of a wide text": () => JSON.stringify({ id: wide }),
    "wide texts": () => list('"€xxxxxxxxxxxx",'),
    "a wide name": () => JSON.stringify({ [wide]: 0 }),
    "an event of a wide text": () =>
      JSON.stringify({ specversion: "1.0", id: "1", source: "s", type: "t", data: wide }),
    "a log-in of a wide token": () => JSON.stringify({ token: wide }),
  };
  const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
  return [
    ...Object.entries(texts).map(([name, write]) => ({
      name,
      contentType: JSON_TYPE,
      make: () => encode(write()),
    })),
    {
      name: "bytes",
      contentType: "application/octet-stream",
      make: () => new Uint8Array(size).fill(255),
    },
    { name: "a text", contentType: "text/plain", make: () => encode("ü".repeat(size / 2)) },
    { name: "a wide plain text", contentType: "text/plain", make: () => encode(wide) },
    {
      name: "a bomb",
      contentType: JSON_TYPE,
      contentEncoding: "gzip",
      make: () => new Uint8Array(gzipSync(new Uint8Array(size * 20).fill(0x20))),
    },
    {
      name: "a bomb of zeros",
      contentType: JSON_TYPE,
      contentEncoding: "gzip",
      make: () => new Uint8Array(gzipSync(list("0,"))),
    },
    {
      name: "no gzip",
      contentType: JSON_TYPE,
      contentEncoding: "gzip",
      make: () => encode("plain"),
    },
  ];
}

function named(size: number, write: (name: string) => string): string {
  const parts: string[] = [];
  let length = 0;
  for (let index = 0; length < size - 100; index += 1) {
    const part = write(index.toString(36));
    parts.push(part);
    length += part.length + 1;
  }
  return parts.join(",");
}

/** Nested SNS notifications: each is the message of the next. */
function messages(size: number): string {
  let message = "[]";
  for (;;) {
    const next = JSON.stringify({ Type: "Notification", Message: message });
    if (next.length > size) return message;
    message = next;
  }
}
