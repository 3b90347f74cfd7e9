/** Writes files that are not there yet. No command of a project overwrites a file. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Texts or bytes by their path in a folder, with `/`. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Lists those of the files that are there already. */
export function presentFiles(folder: string, files: Files): string[] {
  return Object.keys(files).filter((path) => existsSync(join(folder, path)));
}

/** Writes files. Throws the error of the system if one of them is there already. */
export function writeNewFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { flag: "wx" });
  }
}
