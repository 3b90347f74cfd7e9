/** Reads the payload of a command from its arguments, a file or stdin. */
import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { findInexactNumbers } from "../payloads/json-fault.ts";
import { UsageError, type CommandHost, type Values } from "./command.ts";

/** Options that give a payload. */
export const PAYLOAD_OPTIONS = {
  "json-payload": {
    takes: "JSON",
    help: 'a JSON value, such as \'{"s3_uri": "s3://uploads/a.mp3"}\'; - reads stdin',
  },
  text: { takes: "TEXT", help: "a text; - reads stdin" },
  file: {
    takes: "PATH",
    means: "file",
    help: ".json is JSON, .txt a text, all else bytes; - reads bytes from stdin",
  },
  "content-type": { takes: "TYPE", help: "of --file, in place of what its name says" },
} as const;

/** A payload with its content type. */
export interface GivenPayload {
  readonly payload: Uint8Array;
  readonly contentType: string;
}

const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain; charset=utf-8";
/** Content types by file extension; other files are bytes. */
const TYPES: ReadonlyMap<string, string> = new Map([
  [".json", JSON_TYPE],
  [".txt", TEXT_TYPE],
]);

/**
 * Reads the given payload; null without one. Rejects with `UsageError` for several payloads, an
 * unreadable file or malformed JSON.
 */
export async function readPayload(
  values: Partial<Values<typeof PAYLOAD_OPTIONS>>,
  host: CommandHost,
): Promise<GivenPayload | null> {
  const { "json-payload": json, text, file, "content-type": contentType } = values;
  if ([json, text, file].filter((given) => given !== undefined).length > 1)
    throw new UsageError("a payload is one of --json-payload, --text and --file");
  if (contentType !== undefined && file === undefined)
    throw new UsageError("--content-type belongs to --file");
  const fromStdin = (given: string): Promise<Uint8Array> | Uint8Array =>
    given === "-" ? host.readStdin() : new TextEncoder().encode(given);
  if (json !== undefined) {
    const payload = await fromStdin(json);
    refuseNoJson(payload);
    return { payload, contentType: JSON_TYPE };
  }
  if (text !== undefined) return { payload: await fromStdin(text), contentType: TEXT_TYPE };
  if (file === undefined) return null;
  const payload = file === "-" ? await host.readStdin() : readFile(resolve(host.cwd, file));
  const byName = TYPES.get(extname(file).toLowerCase()) ?? "application/octet-stream";
  return { payload, contentType: contentType ?? byName };
}

/** Refuses malformed JSON and numbers that JavaScript would round. */
function refuseNoJson(bytes: Uint8Array): void {
  const text = new TextDecoder().decode(bytes);
  try {
    JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--json-payload: this is no JSON (${reason}); --text sends it as it is`);
  }
  const [inexact] = findInexactNumbers(text);
  if (inexact !== undefined)
    throw new UsageError(`--json-payload: ${inexact.path}: ${inexact.message}`);
}

function readFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--file: ${error instanceof Error ? error.message : String(error)}`);
  }
}
