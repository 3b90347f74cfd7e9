import { afterEach, describe, expect, it, vi } from "vitest";
import { log } from "../../src/platform/log.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a log line of the worker", () => {
  it("a log line of the worker is one JSON object with the message first, written by the console's method of its level", () => {
    const written = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    log("warn", "not now", { run_id: "run_1", task: "a" });
    expect(written).toHaveBeenCalledExactlyOnceWith('{"message":"not now","run_id":"run_1","task":"a"}');
  });

  it("a log line of the worker has an error as its text, and no error where none is given", () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => undefined);
    log("error", "broken", { error: new TypeError("x is no y") });
    log("error", "broken");
    expect(written.mock.calls).toEqual([
      ['{"message":"broken","error":"TypeError: x is no y"}'],
      ['{"message":"broken"}'],
    ]);
  });
});
