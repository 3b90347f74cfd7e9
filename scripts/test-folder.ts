/**
 * The folder of a test run's temporary files, in memory where the machine has room. A runtime syncs its files to the disk several
 * times for each new object, which takes many disks milliseconds each; and none of it is to outlive the run, nor a power cut.
 */
import { mkdtempSync, readdirSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const IN_MEMORY = "/dev/shm";
/** What a run needs at most, and what must be left for its processes. Bytes. */
const NEEDED = { files: 2 * 1024 ** 3, processes: 4 * 1024 ** 3 } as const;
const NAME = /^peach-test-run-(\d+)-/;

/** Where such folders are: in memory if there is room, else where all temporary files are. */
export function testFoldersIn(inMemory = IN_MEMORY): string {
  return hasRoom(inMemory) ? inMemory : tmpdir();
}

/** Makes the folder; whoever makes it deletes it. Deletes those that killed runs have left. */
export function makeTestFolder(parent: string): string {
  for (const name of readdirSync(parent)) {
    const pid = Number(NAME.exec(name)?.[1] ?? process.pid);
    if (!isAlive(pid)) deleteTestFolder(join(parent, name));
  }
  return mkdtempSync(join(parent, `peach-test-run-${process.pid}-`));
}

/** Deletes it with all that is in it; what has just ended may still be writing. */
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
    // There is no such folder on this machine.
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
