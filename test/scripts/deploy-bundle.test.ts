import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_FOLDER } from "../../scripts/local/build.ts";
import { bundleWorker } from "../../scripts/local/bundle.ts";

/** Texts of what only the local runtime has, as they stand in its sources. */
const LOCAL_ONLY = ["/dev/r2", "R2 takes keys of at most", "The local runtime answers to"] as const;

describe("the bundle that `wrangler deploy` makes", () => {
  let folder = "";
  let deployed = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "peach-bundle-"));
    const require = createRequire(import.meta.url);
    const wrangler = join(dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
    const env = { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_WRITE_LOGS: "false" };
    const args = [wrangler, "deploy", "--dry-run", "--outdir", folder];
    await promisify(execFile)(process.execPath, args, { cwd: PROJECT_FOLDER, env });
    deployed = readFileSync(join(folder, "index.js"), "utf8");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("has nothing of the development routes, nor of what guards them", async () => {
    const generatedFolder = join(PROJECT_FOLDER, "src", "generated");
    const paths = { bundlePath: join(folder, "local.js"), sourceMapPath: join(folder, "local.js.map") };
    const local = await bundleWorker({ projectFolder: PROJECT_FOLDER, generatedFolder, ...paths });
    const textOfLocal = local.ok ? local.bundle.text : local.diagnostics;
    const found = (text: string): string[] => LOCAL_ONLY.filter((one) => text.includes(one));
    expect(deployed).toContain("/healthz");
    expect(found(textOfLocal)).toEqual(LOCAL_ONLY);
    expect(found(deployed)).toEqual([]);
  });
});
