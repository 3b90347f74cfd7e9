/** Opens a page in the browser of this machine. */
import { spawn } from "node:child_process";

/**
 * Opens a URL with the program of the system, or with `BROWSER`. Returns false without a
 * program, as on a server.
 */
export function openBrowser(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  const [program = "", ...args] = openerOf(env["BROWSER"] ?? "", platform);
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

/** Chooses the program and its arguments in front of the URL. */
function openerOf(browser: string, platform: NodeJS.Platform): string[] {
  if (browser !== "") return [browser];
  if (platform === "darwin") return ["open"];
  // `start` takes its first quoted argument for the title of a window.
  return platform === "win32" ? ["cmd", "/c", "start", '""'] : ["xdg-open"];
}
