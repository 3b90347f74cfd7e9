/**
 * The file of a recorded run, which `peach replay RUN --save FILE` writes and `load(FILE)` reads: a
 * JSON document with the payload of the trigger and what each task passed. Large payloads are files
 * in a folder beside it.
 */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from "node:path";
import * as z from "zod";
import { ATTEMPT_STATUSES, RUN_STATUSES, TASK_STATUSES } from "../domain/statuses.ts";

/** The version of the format. A file of a later version is refused. */
const VERSION = 1;
/**
 * Payloads above this size are files of their own, so that the document can be read by a person.
 */
const MAX_INLINE_BYTES = 64 * 1024;
/** The limit of a recording in one file with its folder. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

/** A payload in the document. */
const storedPayload = z.union([
  z.strictObject({ kind: z.literal("json"), value: z.unknown() }),
  z.strictObject({ kind: z.literal("text"), text: z.string() }),
  z.strictObject({ kind: z.literal("bytes"), content_type: z.string(), base64: z.string() }),
  z.strictObject({
    kind: z.enum(["json", "text", "bytes"]),
    content_type: z.string(),
    /** A path relative to the folder of the document. */
    file: z.string(),
  }),
]);

const recordedAttempt = z.object({
  attempt: z.int(),
  status: z.enum(ATTEMPT_STATUSES),
  error: z.object({ name: z.string(), message: z.string() }).nullable(),
});

const recordedTask = z.object({
  task: z.string(),
  status: z.enum(TASK_STATUSES),
  reason: z.string().nullable(),
  upstream: z.array(z.string()),
  attempts: z.array(recordedAttempt),
  passed: storedPayload.nullable(),
  /** Absent if each child read the same. */
  to: z.record(z.string(), storedPayload).optional(),
});

const recordedRun = z.object({
  version: z.literal(VERSION, { error: `only version ${VERSION} of the format is known` }),
  run_id: z.string(),
  task: z.string(),
  status: z.enum(RUN_STATUSES),
  created_at: z.string(),
  conf_version: z.string(),
  payload: storedPayload.nullable(),
  tasks: z.array(recordedTask),
});

/** A payload: a JSON value, a string, or bytes with their content type. */
export type RecordedPayload =
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "text"; readonly value: string }
  | {
      readonly kind: "bytes";
      readonly value: Uint8Array<ArrayBuffer>;
      readonly contentType: string;
    };

/** A task of a recorded run. `passed` is null without an output. */
export interface RecordedTask extends Omit<z.infer<typeof recordedTask>, "passed" | "to"> {
  readonly passed: RecordedPayload | null;
  /** Payloads for single children, by the child's name. */
  readonly to: Readonly<Record<string, RecordedPayload>>;
}

/** A recorded run. `payload` is the payload of the trigger. */
export interface RecordedRun extends Omit<
  z.infer<typeof recordedRun>,
  "version" | "payload" | "tasks"
> {
  readonly payload: RecordedPayload | null;
  readonly tasks: readonly RecordedTask[];
}

/** Makes a payload from bytes, in the kind of the content type. */
export function recordedPayload(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
): RecordedPayload {
  const [essence = "", charset = ""] = contentType.toLowerCase().split(/\s*;\s*(?:charset=)?/);
  if (essence === "application/json" || essence.endsWith("+json"))
    return { kind: "json", value: JSON.parse(decode(bytes)) };
  if (essence === "text/plain" && ["", "utf-8"].includes(charset))
    return { kind: "text", value: decode(bytes) };
  return { kind: "bytes", value: bytes, contentType };
}

/** Reads a recorded run. Throws an error with the path for any other file. */
export function readRecordedRun(path: string): RecordedRun {
  const parsed = recordedRun.safeParse(readDocument(path));
  if (!parsed.success)
    throw new Error(`${path} is no recorded run: ${z.prettifyError(parsed.error)}`);
  const { version: _version, ...run } = parsed.data;
  const restore = (payload: z.infer<typeof storedPayload> | null): RecordedPayload | null =>
    payload === null ? null : restored(payload, dirname(path));
  return {
    ...run,
    payload: restore(run.payload),
    tasks: run.tasks.map(({ to = {}, ...task }) => ({
      ...task,
      passed: restore(task.passed),
      to: Object.fromEntries(
        Object.entries(to).map(([child, own]) => [child, restored(own, dirname(path))]),
      ),
    })),
  };
}

/** Reads a JSON file. The error has the path, and the reason of the system or of the parser. */
function readDocument(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} is no recorded run: ${reason}`, { cause: error });
  }
}

/** Returns the files and folders that a recording at this path would replace. */
export function recordingAt(path: string): string[] {
  return [path, payloadFolder(path)].filter((each) => existsSync(each));
}

/** The folder of the large payloads, `<name>.payloads` beside the file. */
function payloadFolder(path: string): string {
  return `${path.slice(0, path.length - extname(path).length)}.payloads`;
}

/**
 * Writes a recorded run, and its large payloads in the folder `<name>.payloads` beside it. Returns
 * the paths. Throws, and writes nothing, if the payloads are larger than 256 MB together.
 */
export function writeRecordedRun(path: string, run: RecordedRun): string[] {
  const folder = payloadFolder(path);
  const files = new Map<string, Uint8Array>();
  const store = (payload: RecordedPayload | null, name: string) =>
    payload === null ? null : stored(payload, folder, name, files);
  const document = {
    version: VERSION,
    ...run,
    payload: store(run.payload, "trigger"),
    tasks: run.tasks.map(({ to, ...task }) => {
      const own = Object.entries(to).map(([child, payload]) => [
        child,
        store(payload, `task-${task.task}-to-${child}`),
      ]);
      return {
        ...task,
        passed: store(task.passed, `task-${task.task}`),
        ...(own.length > 0 && { to: Object.fromEntries(own) }),
      };
    }),
  };
  const total = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
  if (total > MAX_TOTAL_BYTES)
    throw new Error(`the payloads of ${run.run_id} are ${total} bytes: 256 MB is the limit`);
  // Payload files of an earlier recording must not stay.
  rmSync(folder, { recursive: true, force: true });
  if (files.size > 0) mkdirSync(folder, { recursive: true });
  for (const [file, bytes] of files) writeFileSync(file, bytes);
  writeFileSync(path, `${JSON.stringify(document, null, 2)}\n`);
  return [path, ...files.keys()];
}

/** Puts a payload into the document, or adds it to the files. */
function stored(
  payload: RecordedPayload,
  folder: string,
  name: string,
  files: Map<string, Uint8Array>,
): z.infer<typeof storedPayload> {
  const { kind } = payload;
  const bytes =
    payload.kind === "bytes"
      ? payload.value
      : new TextEncoder().encode(
          payload.kind === "text" ? payload.value : JSON.stringify(payload.value),
        );
  if (bytes.length > MAX_INLINE_BYTES) {
    const file = join(
      folder,
      `${name}.${kind === "bytes" ? "bin" : kind === "text" ? "txt" : "json"}`,
    );
    files.set(file, bytes);
    const contentType = payload.kind === "bytes" ? payload.contentType : TYPE_OF[payload.kind];
    return { kind, content_type: contentType, file: file.slice(dirname(folder).length + 1) };
  }
  switch (payload.kind) {
    case "json":
      return { kind: "json", value: payload.value };
    case "text":
      return { kind: "text", text: payload.value };
    case "bytes": {
      const base64 = Buffer.from(payload.value).toString("base64");
      return { kind: "bytes", content_type: payload.contentType, base64 };
    }
  }
}

const TYPE_OF = { json: "application/json", text: "text/plain; charset=utf-8" } as const;

/** Reads a payload of the document. */
function restored(payload: z.infer<typeof storedPayload>, folder: string): RecordedPayload {
  if ("file" in payload) {
    const bytes = new Uint8Array(readFileSync(fileWithin(folder, payload.file)));
    return recordedPayload(bytes, payload.content_type);
  }
  switch (payload.kind) {
    case "json":
      return { kind: "json", value: payload.value };
    case "text":
      return { kind: "text", value: payload.text };
    case "bytes": {
      const value = new Uint8Array(Buffer.from(payload.base64, "base64"));
      return { kind: "bytes", value, contentType: payload.content_type };
    }
  }
}

/**
 * Returns the path of a payload file. Throws if the file is outside of the folder of the recording,
 * also by a symbolic link: a recording may come from a stranger.
 */
function fileWithin(folder: string, name: string): string {
  const file = resolve(folder, name);
  const outside = new Error(
    `the recording names the payload ${name}, which is outside of its folder ${folder}`,
  );
  if (!isBelow(file, resolve(folder))) throw outside;
  if (!isBelow(realpathSync(file), realpathSync(folder))) throw outside;
  return file;
}

function isBelow(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return path !== "" && !isAbsolute(path) && path.split(sep)[0] !== "..";
}

/** Decodes UTF-8. A byte order mark is part of the text. */
function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}
