/**
 * The state folder of a local runtime: the state (SQLite of objects, R2, KV), and in `runtime/` the
 * files of the current runtime. At most one runtime uses a state folder. The claim names the
 * runtime and the owner.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { makePrivateFolder } from "./make-folder.ts";
import { groupBelongsTo, groupMembers, isAlive, signalGroup } from "./process-group.ts";
import { RuntimeStartError } from "./start-error.ts";

/** The paths of a state folder, all absolute. */
export interface StateFolder {
  readonly root: string;
  /** wrangler's configuration for this runtime. wrangler keeps temporary files beside it. */
  readonly configPath: string;
  readonly generatedFolder: string;
  /**
   * The worker as one file, alone in its folder: the runtime restarts when any file there changes.
   */
  readonly bundlePath: string;
  /** A new bundle under trial, before the runtime takes the bundle over. */
  readonly trialFolder: string;
  /** The map from the bundle to its sources. */
  readonly sourceMapPath: string;
  /** A file under construction, before it replaces another. */
  readonly draftPath: string;
  /** The output of a runtime that outlives the starting command. */
  readonly logPath: string;
  readonly registryFolder: string;
  readonly claimPath: string;
}

/**
 * The user of a state folder: process `owner` started the process group `group`. A null owner
 * stands for a runtime that was left running on purpose.
 */
export interface Claim {
  readonly owner: number | null;
  readonly group: number;
  readonly url: string;
}

/** The time for an owner whose parent has died to notice and end. */
const OWNER_GRACE_MS = 5_000;
/** The interval between two looks at a group of processes. */
const POLL_MS = 50;

/**
 * Creates the folder with its subfolders, readable by their owner only. Throws `RuntimeStartError`
 * if that is not possible.
 */
export function openStateFolder(path: string): StateFolder {
  const root = resolve(path);
  const runtime = join(root, "runtime");
  const worker = join(runtime, "worker");
  try {
    makePrivateFolder(worker);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new RuntimeStartError(
      `The state folder ${root} cannot be made (${code}). Choose another with --persist-to.`,
      { cause: error },
    );
  }
  return {
    root,
    configPath: join(runtime, "wrangler.json"),
    generatedFolder: join(runtime, "generated"),
    bundlePath: join(worker, "worker.js"),
    trialFolder: join(runtime, "trial"),
    sourceMapPath: join(runtime, "worker.js.map"),
    draftPath: join(runtime, "draft"),
    logPath: join(runtime, "output.log"),
    registryFolder: join(runtime, "registry"),
    claimPath: join(runtime, "claim.json"),
  };
}

/**
 * Frees the folder: ends a runtime whose owner is dead. Returns null once the folder is free, or
 * the claim of a runtime with a living owner or one that was left running on purpose.
 */
export async function freeStateFolder(folder: StateFolder): Promise<Claim | null> {
  const claim = readClaim(folder);
  if (claim === null || !groupBelongsTo(claim.group, folder.root)) return null;
  if (claim.owner === null) return claim;
  const { owner } = claim;
  if (!(await waitUntil(() => !isAlive(owner), OWNER_GRACE_MS))) return claim;
  await endGroup(claim.group);
  return null;
}

/** Kills the rest of a process group and waits until it is gone. */
export async function endGroup(group: number): Promise<void> {
  signalGroup(group, "SIGKILL");
  if (!(await waitUntil(() => groupMembers(group).length === 0, OWNER_GRACE_MS))) {
    throw new Error(`The processes ${groupMembers(group).join(", ")} do not end after SIGKILL.`);
  }
}

/** Polls until the condition holds. Returns false after the time limit. */
export async function waitUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) return false;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  return true;
}

/** Records the user of the folder. */
export function writeClaim(folder: StateFolder, claim: Claim): void {
  writeFileSync(folder.claimPath, JSON.stringify(claim));
}

/** Releases the folder. */
export function dropClaim(folder: StateFolder): void {
  rmSync(folder.claimPath, { force: true });
}

/** Reads the claim; null if there is none or a crash has left half of it. */
function readClaim(folder: StateFolder): Claim | null {
  try {
    const claim: unknown = JSON.parse(readFileSync(folder.claimPath, "utf8"));
    return isClaim(claim) ? claim : null;
  } catch {
    return null;
  }
}

/** Tests if a parsed file is a claim. */
function isClaim(value: unknown): value is Claim {
  if (
    typeof value !== "object" ||
    value === null ||
    !("owner" in value && "group" in value && "url" in value)
  )
    return false;
  return (
    (value.owner === null || typeof value.owner === "number") &&
    typeof value.group === "number" &&
    typeof value.url === "string"
  );
}
