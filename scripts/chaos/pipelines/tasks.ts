/** The methods of scripts/chaos/peach.conf. */
import {
  currentTask,
  readFromParentTask,
  runOnlyChildTasks,
  step,
  triggerTaskWithEvent,
} from "peach/task-helpers";
import {
  begin,
  digestOf,
  digestsOf,
  itemOf,
  passBytes,
  passStream,
  passValue,
  report,
  takeMs,
  userOf,
} from "./attempt.ts";

/** Makes the payload of a child run so large that it is stored in R2. */
const FILLER = "peach ".repeat(5_000);
const ITEM_BYTES = 32;
const ITEMS = 40;
const FEW_ITEMS = 12;
const POISONED = 5;
const ITEM_MS = 100;
const STEP_MS = 300;
const MIN_SECONDS_MS = 500;
const MAX_SECONDS_MS = 5_000;

export async function plain(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload));
  await passValue(userOf(payload));
}

/** The same method under another name, for a later version of peach.conf. */
export const plain_again = plain;

export const throws_once = throwing(1);
export const throws_twice = throwing(2);
export const throws_always = throwing(Number.POSITIVE_INFINITY);

/** The first attempt never ends by itself. */
export async function hangs_once(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload));
  if (currentTask().attempt === 1) await new Promise(() => {});
  await passValue();
}

export async function takes_seconds(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload), userOf(payload));
  const { name } = currentTask();
  // A task of the driver lane: uses the rest of its timeout.
  await takeMs(
    name === "long" || name === "awaited"
      ? MIN_SECONDS_MS + Math.random() * (MAX_SECONDS_MS - MIN_SECONDS_MS)
      : MIN_SECONDS_MS,
  );
  await passValue();
}

/** Reports its completion URL and returns. */
export async function asks_somebody(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload));
  await report({ event: "asked", url: currentTask().completionUrl, user: userOf(payload) });
}

export async function chooses_one(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload));
  runOnlyChildTasks("choose_this");
  await passValue();
}

/** The first attempt throws after triggering: the next one must find the same child runs. */
export async function triggers_children(payload: unknown): Promise<void> {
  const item = itemOf(payload) ?? "";
  await begin(await digestsOf(payload), item);
  for (const [target, ordinal] of [
    ["child", 0],
    ["child", 1],
    ["child_direct", 0],
    ["child_large", 0],
  ] as const) {
    const name = `${item}/${target}/${ordinal}`;
    const carried = target === "child_large" ? { item: name, filler: FILLER } : { item: name };
    const { runId } = await triggerTaskWithEvent(target, carried);
    await report({
      event: "child",
      target,
      ordinal,
      run_id: runId,
      item: name,
      sent: await digestOf(carried),
    });
  }
  if (currentTask().attempt === 1) throw new Error("planned, after triggering");
  await passValue();
}

/** A repeated step gives another digest than the recorded one. */
export async function goes_in_steps(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload));
  for (const nth of [1, 2, 3, 4, 5]) {
    const kept = await step(`step ${nth}`, async () => {
      await takeMs(Math.random() * STEP_MS);
      await report({ event: "step", step: nth });
      return { nth, filler: nth % 2 === 0 ? FILLER : "" };
    });
    if (kept.nth !== nth) throw new Error(`step ${nth} came back as ${kept.nth}`);
    if (nth === 3 && currentTask().attempt === 1) throw new Error("planned, after three steps");
  }
  await passValue();
}

/** Waits longer than a wait in place may take. */
export async function awaits_run(payload: unknown): Promise<void> {
  const item = itemOf(payload) ?? "";
  await begin(await digestsOf(payload), item);
  const carried = { item: `${item}/awaited/0` };
  const run = await triggerTaskWithEvent("awaited", carried);
  const { runId: run_id } = run;
  await report({
    event: "child",
    target: "awaited",
    ordinal: 0,
    run_id,
    ...carried,
    sent: await digestOf(carried),
  });
  const { status } = await run.result({ timeout: "10m" });
  if (status !== "succeeded") throw new Error(`the awaited run is ${status}`);
  await passValue();
}

export async function makes_items(payload: unknown): Promise<unknown> {
  await begin(await digestsOf(payload), itemOf(payload));
  const length = currentTask().name === "poison" ? FEW_ITEMS : ITEMS;
  const items = Array.from({ length }, (_, n) => ({ n, nonce: crypto.randomUUID() }));
  await report({ event: "made", items: await Promise.all(items.map(digestOf)) });
  await report({ event: "end", passed: await digestOf(items), to: {} });
  return items;
}

/** One of its items is killed with the whole runtime when its report arrives. */
export async function maps_poison(read: unknown): Promise<unknown> {
  if (currentTask().item?.index !== POISONED) return maps_item(read);
  await report({ event: "poison" });
  await new Promise(() => {});
  return null;
}

/** Each attempt passes something else; every tenth item is stored in R2. */
export async function maps_item(read: unknown): Promise<unknown> {
  const { item } = currentTask();
  await takeMs(Math.random() * ITEM_MS);
  const passed = {
    n: item?.index,
    nonce: crypto.randomUUID(),
    filler: (item?.index ?? 0) % 10 === 3 ? FILLER : "",
  };
  await report({
    event: "item",
    index: item?.index,
    read: await digestOf(read),
    passed: await digestOf(passed),
  });
  return passed;
}

export async function joins_items(read: readonly unknown[]): Promise<void> {
  await report({ event: "joined", items: await Promise.all(read.map(digestOf)) });
  await begin({}, null);
  await passValue();
}

export async function passes_bytes(payload: unknown): Promise<void> {
  await begin(await digestsOf(payload), itemOf(payload));
  await passBytes(currentTask().name === "large" ? "large_right" : null);
}

/** Reads a stream to its end, and passes another of the same size. */
export async function passes_stream(): Promise<void> {
  const stream = await readFromParentTask(undefined, { as: "stream" });
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const head = new TextDecoder().decode(bytes.subarray(0, ITEM_BYTES));
  await begin({ "": await digestOf(bytes) }, currentTask().name === "stream" ? head.trim() : null);
  await passStream(bytes.length);
}

export async function reads_upload(payload: {
  key: string;
  etag: string;
  event_time: string;
}): Promise<void> {
  const { key, etag, event_time } = payload;
  await begin(await digestsOf(payload), `${key} ${etag} ${event_time}`);
  await passValue();
}

function throwing(times: number): (payload: unknown) => Promise<void> {
  return async (payload) => {
    await begin(await digestsOf(payload), itemOf(payload));
    if (currentTask().attempt <= times) throw new Error("planned");
    await passValue();
  };
}
