import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { peach, run, task } from "./scripted-peach.ts";

describe("peach logs, items and payload", () => {
  it("peach logs shows what all tasks have logged, by time, page by page", async () => {
    const line = (at: string, message: string): object => ({ at, attempt: 1, level: "warn", message, fields: null });
    const { out, err, calls } = await peach("logs run_1", [
      { body: run("succeeded", [task("a", "succeeded"), task("b", "succeeded")]) },
      { body: { logs: [line("2026-11-22T10:00:03.000Z", "third")], dropped: 2, next_cursor: "c" } },
      { body: { logs: [line("2026-11-22T10:00:04.000Z", "fourth")], dropped: 0, next_cursor: null } },
      { body: { logs: [line("2026-11-22T10:00:01.000Z", "first")], dropped: 0, next_cursor: null } },
    ]);
    expect(out.split("\n").map((text) => text.split(" ").at(-1))).toEqual(["first", "third", "fourth"]);
    expect(err).toContain("2 lines are missing");
    expect(calls.slice(1)).toEqual([
      "GET /runs/run_1/tasks/a/logs?limit=200",
      "GET /runs/run_1/tasks/a/logs?limit=200&cursor=c",
      "GET /runs/run_1/tasks/b/logs?limit=200",
    ]);
  });

  it("peach logs says how the logs of items are shown, and where those that failed are", async () => {
    const each = { total: 10, succeeded: 8, failed: 2, running: 0 };
    const { err, calls } = await peach("logs run_1", [
      { body: run("succeeded", [task("a", "succeeded", { each })]) },
      { body: { logs: [], dropped: 0, next_cursor: null } },
    ]);
    expect(calls).toHaveLength(2);
    expect(err).toBe(
      "nothing was logged\nitems of a have logs of their own: npm run peach -- logs run_1 a --item N; " +
        "2 failed: npm run peach -- items run_1 a --status failed",
    );
  });

  it("peach logs shows nothing that a terminal would take for a command, nor a line break", async () => {
    const fields = { "\u001b[1m": "\u009b2J" };
    const line = { at: "2026-11-22T10:00:03.000Z", attempt: 1, level: "info", message: "a\u001b[2J\nb\u0007", fields };
    const { out } = await peach("logs run_1", [
      { body: run("succeeded", [task("a", "succeeded")]) },
      { body: { logs: [line], dropped: 0, next_cursor: null } },
    ]);
    expect(out).toMatch(/^10:00:03\.000 a info {2}a b \S* \{/);
    // oxlint-disable-next-line no-control-regex -- These are the ones.
    expect(out).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it("peach items lists items with what went wrong", async () => {
    const items = [
      { index: 3, status: "failed", reason: "failed", attempts: task("x", "failed").attempts, output: null },
    ];
    const { out } = await peach("items run_1 a --status failed", [{ body: { items, next_cursor: null } }]);
    expect(out.split("\n")[1]).toBe("3     failed  1                 RangeError: no such language");
  });

  it("peach payload prints a payload as it is, or writes it to a file", async () => {
    const bytes = { body: new TextEncoder().encode("as it is") };
    expect(await peach("payload run_1", [bytes])).toMatchObject({
      code: 0,
      out: "as it is",
      calls: ["GET /runs/run_1/payload"],
    });
    const folder = mkdtempSync(join(tmpdir(), "peach-cli-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "payload");
    const { calls } = await peach(["payload", "run_1", "a", "--item", "2", "--out", file], [bytes]);
    expect([readFileSync(file, "utf8"), calls]).toEqual(["as it is", ["GET /runs/run_1/tasks/a/items/2/payload"]]);
    expect(await peach("payload run_1 --out /nowhere/at/all", [bytes])).toMatchObject({
      code: 1,
      err: expect.stringContaining("ENOENT"),
    });
    expect(await peach("payload run_1 --item 2", [bytes])).toMatchObject({ code: 2 });
  });

  it("peach payload --out replaces no file unless --force, and asks no deployment first", async () => {
    const bytes = { body: new TextEncoder().encode("as it is") };
    const folder = mkdtempSync(join(tmpdir(), "peach-cli-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "notes");
    writeFileSync(file, "mine");
    const refused = await peach(["payload", "run_1", "--out", file], []);
    expect(refused).toMatchObject({ code: 1, calls: [], err: expect.stringContaining("would be replaced") });
    expect([refused.err.includes("--force"), readFileSync(file, "utf8")]).toEqual([true, "mine"]);
    expect(await peach(["payload", "run_1", "--out", file, "--force"], [bytes])).toMatchObject({ code: 0 });
    expect(readFileSync(file, "utf8")).toBe("as it is");
    expect(await peach("payload run_1 --force", [bytes])).toMatchObject({
      code: 2,
      err: expect.stringContaining("--force is for --out"),
    });
  });
});
