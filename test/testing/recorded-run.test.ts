import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  readRecordedRun,
  recordedPayload,
  writeRecordedRun,
  type RecordedPayload,
  type RecordedRun,
} from "../../src/testing/recorded-run.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "peach-recorded-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function recorded(payload: RecordedPayload | null, passed: RecordedPayload | null): RecordedRun {
  const error = { name: "RangeError", message: "no" };
  return {
    run_id: "run_1",
    task: "first",
    status: "failed",
    created_at: "2026-11-30T10:00:00.000Z",
    conf_version: "abc",
    payload,
    tasks: [
      {
        task: "first",
        status: "succeeded",
        reason: null,
        upstream: [],
        attempts: [{ attempt: 1, status: "succeeded", error: null }],
        passed,
        to: passed === null ? {} : { second: passed },
      },
      {
        task: "second",
        status: "failed",
        reason: "error",
        upstream: ["first"],
        attempts: [{ attempt: 1, status: "failed", error }],
        passed: null,
        to: {},
      },
    ],
  };
}

const BYTES = new Uint8Array([0, 255, 13, 10]);

it("a recorded run is read as it was written, each payload as its kind", () => {
  const run = recorded(
    { kind: "text", value: "\ufeffa\r\n" },
    { kind: "bytes", value: BYTES, contentType: "audio/mpeg" },
  );
  const file = join(folder, "run.json");
  expect(writeRecordedRun(file, run)).toEqual([file]);
  expect(readRecordedRun(file)).toEqual(run);
  const json = recorded({ kind: "json", value: { a: [1, null, "ü"] } }, { kind: "json", value: "a JSON string" });
  writeRecordedRun(file, json);
  expect(readRecordedRun(file)).toEqual(json);
  writeRecordedRun(file, recorded(null, null));
  expect(readRecordedRun(file)).toEqual(recorded(null, null));
});

it("large payloads are files beside the document, which a later recording replaces", () => {
  const file = join(folder, "run.json");
  const large = { kind: "bytes", value: new Uint8Array(70_000).fill(7), contentType: "audio/mpeg" } as const;
  const run = recorded({ kind: "json", value: "x".repeat(70_000) }, large);
  const payloads = ["trigger.json", "task-first-to-second.bin", "task-first.bin"].map((name) =>
    join(folder, "run.payloads", name),
  );
  expect(writeRecordedRun(file, run)).toEqual([file, ...payloads]);
  expect(readFileSync(file, "utf8").length).toBeLessThan(2_000);
  expect(readRecordedRun(file)).toEqual(run);
  writeRecordedRun(file, recorded(null, null));
  expect(payloads.map((path) => existsSync(path))).toEqual([false, false, false]);
});

it("a file of a later version, and one that is none, are refused with their path", () => {
  const file = join(folder, "run.json");
  writeRecordedRun(file, recorded(null, null));
  writeFileSync(file, readFileSync(file, "utf8").replace('"version": 1', '"version": 2'));
  expect(() => readRecordedRun(file)).toThrow(`${file} is no recorded run: ✖ only version 1 of the format is known`);
  const text = readFileSync(file, "utf8");
  for (const other of ["{}", "", "[]", text.slice(0, text.length / 2), "\0"]) {
    writeFileSync(file, other);
    expect(() => readRecordedRun(file)).toThrow(`${file} is no recorded run: `);
  }
  const missing = join(folder, "missing.json");
  expect(() => readRecordedRun(missing)).toThrow(`${missing} is no recorded run: ENOENT`);
});

it("a recorded run reads no payload from outside of its folder, also not through a link", () => {
  const [file, secret] = [join(folder, "runs", "run.json"), join(folder, "secret.txt")];
  mkdirSync(join(folder, "runs"));
  writeFileSync(secret, "mine");
  symlinkSync(secret, join(folder, "runs", "link.txt"));
  writeRecordedRun(file, recorded(null, null));
  const text = readFileSync(file, "utf8");
  for (const path of ["../secret.txt", secret, "link.txt"]) {
    const payload = { kind: "text", content_type: "text/plain", file: path };
    writeFileSync(file, text.replace('"payload": null', `"payload": ${JSON.stringify(payload)}`));
    expect(() => readRecordedRun(file)).toThrow(`names the payload ${path}, which is outside of its folder`);
  }
});

it("the kind of a payload follows its content type, as the API names it", () => {
  const text = new TextEncoder().encode('{"a": 1}');
  expect(recordedPayload(text, "application/json")).toEqual({ kind: "json", value: { a: 1 } });
  expect(recordedPayload(text, "application/cloudevents+json; charset=utf-8")).toMatchObject({ kind: "json" });
  expect(recordedPayload(text, "text/plain; charset=utf-8")).toEqual({ kind: "text", value: '{"a": 1}' });
  expect(recordedPayload(text, "text/plain; charset=latin1")).toMatchObject({ kind: "bytes" });
  expect(recordedPayload(text, "text/csv")).toEqual({ kind: "bytes", value: text, contentType: "text/csv" });
});
