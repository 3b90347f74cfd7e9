import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { bundleModule } from "../../src/local/bundle.ts";

it("the local runtime gets decorators and `using` in the form that a deployment has", async () => {
  const folder = mkdtempSync(join(tmpdir(), "peach-bundle-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const entry = join(folder, "entry.ts");
  writeFileSync(
    entry,
    `const calls: string[] = [];
function known(one: unknown, context: { readonly name: string }): void {
  calls.push(context.name);
}
@known
class Decorated {}
function close(): void {
  using open = { [Symbol.dispose]: () => void calls.push("closed") };
}
close();
export default [...calls, typeof Decorated];
`,
  );
  const bundlePath = join(folder, "worker.mjs");
  const sourceMapPath = `${bundlePath}.map`;
  const { text, sourceMap } = await bundleModule(entry, { bundlePath, sourceMapPath });
  writeFileSync(bundlePath, text);
  writeFileSync(sourceMapPath, sourceMap);
  expect(await import(bundlePath)).toMatchObject({ default: ["Decorated", "closed", "function"] });
  expect(text).not.toContain("using open");
});
