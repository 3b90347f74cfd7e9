import { emitEvent, log, task, type EndpointContext } from "peach/task-helpers";
import * as z from "zod";
import { readInteractions, type Lines } from "./interactions.ts";
import { popularItems, recommended, similarItems, type Histories } from "./similarity.ts";

/** Where interactions lie in the bucket `uploads`. */
const FOLDERS = ["interactions/", "imports/"];
/** The longest list that is served. */
const MAX_LIST = 50;

const scored = z.tuple([z.string(), z.number()]);
/** What is stored for the endpoint. Lists are best first. */
export const modelSchema = z.object({
  interactions: z.int(),
  popular: z.array(scored),
  /** The list of each user. */
  users: z.array(z.tuple([z.string(), z.array(scored)])),
});
export type Model = z.infer<typeof modelSchema>;

/**
 * Takes interactions as NDJSON. They are stored before anything is triggered: what was answered
 * with 202 is part of the next computation.
 */
export async function add_interactions(request: Request, { env }: EndpointContext): Promise<Response | undefined> {
  const body = new Uint8Array(await request.arrayBuffer());
  const lines: Lines = { good: 0, bad: 0 };
  for await (const _each of readInteractions(new Blob([body]).stream(), lines));
  if (lines.bad > 0 || lines.good === 0)
    return Response.json(
      { error: `${lines.bad} of ${lines.bad + lines.good} lines are no {"user", "item", "at"?}: nothing was taken` },
      { status: 400 },
    );
  // Time first, so that files are read in the order in which they came.
  const key = `${FOLDERS[0]}${new Date().toISOString()}-${crypto.randomUUID()}.ndjson`;
  await env.UPLOADS.put(key, body, { httpMetadata: { contentType: "application/x-ndjson" } });
  await emitEvent("interactions.added", { key });
  return undefined;
}

/**
 * Computes the model from all files of interactions. What triggered it is of no matter: it reads
 * everything, so a second attempt gives the same.
 */
export const collaborative_filtering = task({
  output: modelSchema,
  run: async (_payload: unknown, { env }) => {
    const lines: Lines = { good: 0, bad: 0 };
    const histories = await readHistories(env.UPLOADS, lines);
    if (lines.bad > 0) log.warn("lines that are no interaction were left out", { lines: lines.bad });
    const similar = similarItems(histories);
    log.info("computed", { interactions: lines.good, users: histories.size, items: similar.size });
    return {
      interactions: lines.good,
      popular: popularItems(histories, MAX_LIST),
      users: [...histories].map(([user, history]): Model["users"][number] => [
        user,
        recommended(history, similar, MAX_LIST),
      ]),
    };
  },
});

/** Reads one file after another: the histories lie in memory, the files do not. */
async function readHistories(bucket: R2Bucket, lines: Lines): Promise<Histories> {
  const histories = new Map<string, Set<string>>();
  for (const prefix of FOLDERS) {
    let cursor: string | undefined;
    do {
      const page = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
      for (const { key } of page.objects) {
        const file = await bucket.get(key);
        if (file === null) continue; // deleted since it was listed
        for await (const { user, item } of readInteractions(file.body, lines)) {
          const history = histories.get(user) ?? new Set<string>();
          // An item that is played again is the newest one again.
          history.delete(item);
          histories.set(user, history.add(item));
        }
      }
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
  }
  return histories;
}
