/**
 * The folder that holds one local runtime: its state (SQLite objects, R2, KV), and in `runtime/` what belongs to the runtime
 * that uses it now. At most one runtime uses a state folder; the claim says which, and who started it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { groupBelongsTo, groupMembers, isAlive, signalGroup } from "./process-group.ts";

export interface StateFolder {
  readonly root: string;
  /** wrangler's configuration, made for this runtime; wrangler keeps its temporary files beside it. */
  readonly configPath: string;
  readonly generatedFolder: string;
  /** The worker as one file, alone in its folder: the runtime starts again when any file in there changes. */
  readonly bundlePath: string;
  /** The map from the bundle to its sources. */
  readonly sourceMapPath: string;
  /** Where a file is written before it takes the place of another. */
  readonly draftPath: string;
  /** The output of a runtime that outlives the command that started it. */
  readonly logPath: string;
  readonly registryFolder: string;
  readonly claimPath: string;
}

/** Whose the state folder is: `owner` started the process group `group`; null for a runtime that was left running on purpose. */
export interface Claim {
  readonly owner: number | null;
  readonly group: number;
  readonly url: string;
}

/** How long an owner whose parent has gone may take to notice and end. */
const OWNER_GRACE_MS = 5_000;
const POLL_MS = 50;

/** Makes the folder, and whatever it needs. */
export function openStateFolder(path: string): StateFolder {
  const root = resolve(path);
  const runtime = join(root, "runtime");
  const worker = join(runtime, "worker");
  mkdirSync(worker, { recursive: true, mode: 0o700 });
  return {
    root,
    configPath: join(runtime, "wrangler.json"),
    generatedFolder: join(runtime, "generated"),
    bundlePath: join(worker, "worker.js"),
    sourceMapPath: join(runtime, "worker.js.map"),
    draftPath: join(runtime, "draft"),
    logPath: join(runtime, "output.log"),
    registryFolder: join(runtime, "registry"),
    claimPath: join(runtime, "claim.json"),
  };
}

/**
 * Makes sure that no runtime uses this folder: ends one whose owner is dead. Returns the claim of one that is in use by a
 * living owner, or was left running on purpose, and null once the folder is free.
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

/** Kills what is left of a process group, and waits until it is gone. */
export async function endGroup(group: number): Promise<void> {
  signalGroup(group, "SIGKILL");
  if (!(await waitUntil(() => groupMembers(group).length === 0, OWNER_GRACE_MS))) {
    throw new Error(`The processes ${groupMembers(group).join(", ")} do not end after SIGKILL.`);
  }
}

/** Polls until the condition holds (true) or the time is up (false). */
export async function waitUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
  const end = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > end) return false;
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
  return true;
}

export function writeClaim(folder: StateFolder, claim: Claim): void {
  writeFileSync(folder.claimPath, JSON.stringify(claim));
}

export function dropClaim(folder: StateFolder): void {
  rmSync(folder.claimPath, { force: true });
}

function readClaim(folder: StateFolder): Claim | null {
  try {
    const claim: unknown = JSON.parse(readFileSync(folder.claimPath, "utf8"));
    return isClaim(claim) ? claim : null;
  } catch {
    return null;
  }
}

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
