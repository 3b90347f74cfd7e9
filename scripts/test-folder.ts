/**
 * The folder for temporary files of a test run, in memory if the machine has room. A runtime syncs
 * files to disk several times for each new object, which costs milliseconds each, and no test needs
 * the files after a power cut.
 */
import { mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
/** The memory for files and processes of a run, in bytes. */
const NEEDED = { files: 2 * 1024 ** 3, processes: 4 * 1024 ** 3 } as const;
const NAME = /^peach-test-run-(\d+)-/;

/**
 * The parent of these folders: in memory if there is room, otherwise the system's temporary folder.
 */
export function testFoldersIn(inMemory = IN_MEMORY): string {
  return hasRoom(inMemory) ? inMemory : tmpdir();
}

/** Creates a folder, which the caller has to delete. Deletes folders that killed runs have left. */
export function makeTestFolder(parent: string): string {
  for (const name of readdirSync(parent)) {
    const pid = Number(NAME.exec(name)?.[1] ?? process.pid);
    if (!isAlive(pid)) deleteTestFolder(join(parent, name));
  }
  return mkdtempSync(join(parent, `peach-test-run-${process.pid}-`));
}

/** Deletes a folder. Retries, since processes that just ended may still write. */
export function deleteTestFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return (
      bavail * bsize >= NEEDED.files && process.availableMemory() >= NEEDED.files + NEEDED.processes
    );
  } catch {
    // This machine has no such folder.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process belongs to another user, so it is alive.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
