/** Writes files that are not there yet. No command of a project overwrites a file. */
import { lstatSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Texts or bytes by their path in a folder, with `/`. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** A file or folder that stands where another kind is to be written. */
export class ObstacleError extends Error {}

/**
 * Lists those of the files that are there already. Throws an `ObstacleError` if something stands in
 * the way: a folder or a broken link in the place of a file, a file in the place of a folder.
 */
export function presentFiles(folder: string, files: Files): string[] {
  return Object.keys(files).filter((path) => {
    for (let above = dirname(join(folder, path)); ; above = dirname(above)) {
      const stats = lstatSync(above, { throwIfNoEntry: false });
      if (stats === undefined) continue;
      if (statSync(above, { throwIfNoEntry: false })?.isDirectory() !== true)
        throw new ObstacleError(`${above} is no folder: move it away, or choose another folder`);
      break;
    }
    const file = join(folder, path);
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return false;
    if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) return true;
    throw new ObstacleError(`${file} is no file: move it away, or choose another folder`);
  });
}

/** Writes files. Throws the error of the system if one of them is there already. */
export function writeNewFiles(folder: string, files: Files): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { flag: "wx" });
  }
}
