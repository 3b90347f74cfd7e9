import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RuntimeStartError } from "../../src/local/start-error.ts";
import { openStateFolder } from "../../src/local/state-folder.ts";

it("a state folder that cannot be made is a reason that the user can remove", () => {
  const folder = mkdtempSync(join(tmpdir(), "peach-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "file");
  writeFileSync(file, "");
  const open = (): unknown => openStateFolder(file);
  expect(open).toThrow(RuntimeStartError);
  expect(open).toThrow(`The state folder ${file} cannot be made (ENOTDIR).`);
});

it("a state folder is refused at once where the system makes no folders, and its parents are made elsewhere", () => {
  // Node's own recursion would ask `/proc` for ever.
  if (existsSync("/proc/self"))
    expect(() => openStateFolder("/proc/x/y")).toThrow("/proc/x/y cannot be made (ENOENT).");
  const folder = mkdtempSync(join(tmpdir(), "peach-state-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const _ of ["made", "found"]) expect(openStateFolder(join(folder, "a/b")).root).toBe(join(folder, "a/b"));
  expect(statSync(join(folder, "a/b/runtime/worker")).mode & 0o777).toBe(0o700);
});
