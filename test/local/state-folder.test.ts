import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
