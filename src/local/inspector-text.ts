/** The text that `npm run dev -- --inspect` prints: how to attach a debugger. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";

/**
 * The configuration of VS Code that attaches to the local runtime. `restart` attaches again after
 * the command was started again. Breakpoints are found by the bundle's map, which lies outside the
 * sources, so no folder of maps is left out.
 */
function launchJson(port: number): string {
  const attach = {
    name: "Peach",
    type: "node",
    request: "attach",
    port,
    cwd: "/",
    restart: true,
    resolveSourceMapLocations: null,
    attachExistingChildren: false,
    autoAttachChildProcesses: false,
  };
  return JSON.stringify({ version: "0.2.0", configurations: [attach] }, null, 2);
}

/** Renders what to do in VS Code and in Chrome. `projectFolder` may have a launch.json already. */
export function inspectorText(port: number, projectFolder: string): string {
  const file = join(".vscode", "launch.json");
  const isConfigured = attachesTo(port, join(projectFolder, file));
  const save = isConfigured ? "" : `save the text below as ${file}, `;
  return [
    `${styleText("bold", "Debugger")}  127.0.0.1:${port}`,
    `  VS Code  ${save}choose "Peach" under Run and Debug (F5), set breakpoints in the pipelines`,
    `  Chrome   open chrome://inspect, press "Configure...", add 127.0.0.1:${port},`,
    '           press "inspect" beside Cloudflare Worker, open the file of a pipeline (Ctrl-P)',
    "  Then trigger a task. One debugger at a time can attach.",
    ...(isConfigured ? [] : ["", launchJson(port)]),
  ].join("\n");
}

/** Tells whether the file has a configuration for this port. It may have comments. */
function attachesTo(port: number, path: string): boolean {
  if (!existsSync(path)) return false;
  const text = readFileSync(path, "utf8");
  return (
    /"request"\s*:\s*"attach"/.test(text) && new RegExp(`"port"\\s*:\\s*${port}\\b`).test(text)
  );
}
