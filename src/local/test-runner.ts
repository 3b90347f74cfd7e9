/** Chooses the test runner of a project. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isMapping } from "../compiler/schema-parts.ts";
import { parseJson, readText } from "../compiler/read-file.ts";
import { RuntimeStartError } from "./start-error.ts";

/**
 * Makes the arguments of Node that run the tests: those of vitest if package.json names it, else
 * those of Node's own runner. Without files all tests run.
 */
export function testArguments(projectRoot: string, files: readonly string[]): string[] {
  if (!namesVitest(projectRoot))
    return ["--test", ...(files.length === 0 ? ["test/**/*.test.ts"] : files)];
  const require = createRequire(join(projectRoot, "package.json"));
  try {
    const folder = dirname(require.resolve("vitest/package.json"));
    return [join(folder, "vitest.mjs"), "run", ...files];
  } catch {
    throw new RuntimeStartError("package.json names vitest, which is not installed: npm install");
  }
}

/** Tests if package.json depends on vitest. */
function namesVitest(projectRoot: string): boolean {
  const manifest = parseJson(readText(join(projectRoot, "package.json")) ?? "{}");
  if (!isMapping(manifest)) return false;
  return [manifest["dependencies"], manifest["devDependencies"]].some(
    (entries) => isMapping(entries) && Object.hasOwn(entries, "vitest"),
  );
}
