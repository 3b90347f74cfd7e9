/**
 * The processes of a local runtime. The processes form a group and carry a mark in the environment.
 * A later start recognises the mark, even if the leader is dead and process ids were reused.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The environment variable with the state folder of a process's runtime. */
export const STATE_MARK = "PEACH_RUNTIME_STATE";

/** A process of the system's table. */
interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** Lists the processes of a group, without zombies. */
export function groupMembers(group: number): number[] {
  return livingProcesses().flatMap((entry) => (entry.group === group ? [entry.pid] : []));
}

/** Tests if a process is alive; a zombie is not. */
export function isAlive(pid: number): boolean {
  return livingProcesses().some((entry) => entry.pid === pid);
}

/** Finds the parent of a process; null if the process is gone. */
export function parentOf(pid: number): number | null {
  return livingProcesses().find((entry) => entry.pid === pid)?.parent ?? null;
}

/** Tests if any process of the group carries the mark of this state folder. */
export function groupBelongsTo(group: number, stateFolder: string): boolean {
  return groupMembers(group).some((pid) =>
    environmentOf(pid).includes(`${STATE_MARK}=${stateFolder}`),
  );
}

/** Sends a signal to the whole group. A group that has ended is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Lists the living processes of the system. */
function livingProcesses(): ProcessEntry[] {
  return existsSync("/proc/self/stat") ? fromProc() : fromPs();
}

/** Reads the process table of Linux. */
function fromProc(): ProcessEntry[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    // The format is "pid (command) state parent group ...". The command may contain blanks and
    // parentheses, so the fields are counted from its last parenthesis.
    const [state, parent, group] = (readText(`/proc/${name}/stat`).split(") ").at(-1) ?? "").split(
      " ",
    );
    return state === undefined || state === "" || state === "Z"
      ? []
      : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
  });
}

/** Reads the process table by `ps`, on systems without /proc. */
function fromPs(): ProcessEntry[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat="], { encoding: "utf8" });
  return table.split("\n").flatMap((line) => {
    const [pid, parent, group, state = "Z"] = line.trim().split(/\s+/);
    return state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }];
  });
}

/** Reads the environment of a process, as `NAME=value`. */
function environmentOf(pid: number): readonly string[] {
  if (existsSync("/proc/self/environ")) return readText(`/proc/${pid}/environ`).split("\0");
  const line = execFileSync("ps", ["-E", "-ww", "-o", "command=", "-p", String(pid)], {
    encoding: "utf8",
  });
  return line.trim().split(" ");
}

/**
 * Reads a file of /proc. Returns an empty text if the process has ended or belongs to another user.
 */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
