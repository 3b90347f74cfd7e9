import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, it, onTestFinished } from "vitest";

const PROGRAM = join(import.meta.dirname, "../../src/cli/bin/deploy.ts");
const CHECK = JSON.stringify([join(import.meta.dirname, "../../src/cli/peach.ts"), "check"]);
/** A wrangler that builds as wrangler.toml says, by a check, and notes that it was run. */
const WRANGLER = `require("node:child_process").spawnSync(process.execPath, ${CHECK}, { stdio: "inherit" });
require("node:fs").writeFileSync("deployed", "");
`;

/** Runs the command in a project of which one warning is given. */
async function deployed(pipeline: string): Promise<{
  readonly code: number | null;
  readonly isDeployed: boolean;
  readonly warnings: number;
}> {
  const folder = mkdtempSync(join(tmpdir(), "peach-deploy-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = {
    "peach.conf": "tasks:\n  hello: {method: hello, callable: false}\n",
    "src/pipelines/hello.ts": `${pipeline}\nexport const hello = async () => {};\n`,
    "wrangler.toml": 'name = "hello"\n',
    "package.json": "{}",
    "node_modules/wrangler/package.json": '{"version": "4.0.0"}',
    "node_modules/wrangler/bin/wrangler.js": WRANGLER,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const child = spawn(process.execPath, [PROGRAM], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const said = text(child.stderr);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const warnings = (await said).match(/^warning: /gm)?.length ?? 0;
  return { code, isDeployed: existsSync(join(folder, "deployed")), warnings };
}

it("peach deploy warns once, and deploys nothing if it is told to end while it checks", async () => {
  expect(await deployed("")).toEqual({ code: 0, isDeployed: true, warnings: 1 });
  // The check evaluates the file in a child of the command. Ctrl-C tells both to end. A second signal ends any command at once.
  const once =
    'import { existsSync, mkdirSync } from "node:fs";\n' +
    'if (!existsSync("told")) { mkdirSync("told"); for (const pid of [process.ppid, process.pid]) process.kill(pid, "SIGINT"); }';
  expect(await deployed(once)).toEqual({ code: 130, isDeployed: false, warnings: 0 });
});
