/** Debian's Chromium, without a window. */
import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const PATHS = [process.env["CHROMIUM"] ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];

/** Where it is, or null: the tests that need it are skipped, and counted as skipped. */
export const CHROMIUM = PATHS.find((path) => path !== "" && existsSync(path)) ?? null;

/** Starts it. Throws if there is none. */
export async function startChromium(): Promise<Browser> {
  if (CHROMIUM === null) throw new Error("there is no Chromium");
  // As root, which machines for tests are, it has no sandbox; and a small /dev/shm must not stop it.
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
