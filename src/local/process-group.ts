/**
 * The processes of a local runtime form one process group and carry a mark in their environment, so that a later start can
 * tell them from others that have got their ids since, even if the group's leader is dead.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** The environment variable that holds the state folder of the runtime that a process belongs to. */
export const STATE_MARK = "PEACH_RUNTIME_STATE";

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/** The living processes of this group, without zombies. */
export function groupMembers(group: number): number[] {
  return livingProcesses().flatMap((entry) => (entry.group === group ? [entry.pid] : []));
}

/** Whether this process lives; a zombie does not. */
export function isAlive(pid: number): boolean {
  return livingProcesses().some((entry) => entry.pid === pid);
}

/** The parent of a living process, or null. */
export function parentOf(pid: number): number | null {
  return livingProcesses().find((entry) => entry.pid === pid)?.parent ?? null;
}

/** Whether any process of the group carries the mark of this state folder. */
export function groupBelongsTo(group: number, stateFolder: string): boolean {
  return groupMembers(group).some((pid) =>
    environmentOf(pid).includes(`${STATE_MARK}=${stateFolder}`),
  );
}

/** Sends a signal to the whole group; one that is gone already is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function livingProcesses(): ProcessEntry[] {
  return existsSync("/proc/self/stat") ? fromProc() : fromPs();
}

function fromProc(): ProcessEntry[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    // "pid (command) state parent group ...": the command may hold blanks and parentheses.
    const [state, parent, group] = (readText(`/proc/${name}/stat`).split(") ").at(-1) ?? "").split(
      " ",
    );
    return state === undefined || state === "" || state === "Z"
      ? []
      : [{ pid: Number(name), parent: Number(parent), group: Number(group) }];
  });
}

function fromPs(): ProcessEntry[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat="], { encoding: "utf8" });
  return table.split("\n").flatMap((line) => {
    const [pid, parent, group, state = "Z"] = line.trim().split(/\s+/);
    return state.startsWith("Z")
      ? []
      : [{ pid: Number(pid), parent: Number(parent), group: Number(group) }];
  });
}

function environmentOf(pid: number): readonly string[] {
  if (existsSync("/proc/self/environ")) return readText(`/proc/${pid}/environ`).split("\0");
  const line = execFileSync("ps", ["-E", "-ww", "-o", "command=", "-p", String(pid)], {
    encoding: "utf8",
  });
  return line.trim().split(" ");
}

/** Empty if the process has gone meanwhile, or belongs to somebody else. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
