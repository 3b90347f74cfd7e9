import {
  countClick,
  emitEvent,
  InvalidRecommendationError,
  readServed,
  servedBy,
  task,
  type EndpointContext,
  type RecommendationParams,
} from "peach/task-helpers";
import * as z from "zod";
import { playStore } from "./plays.ts";
import { hoursBefore, mostPlayed, WINDOWS, type WindowName } from "./windows.ts";

type Params = RecommendationParams<"popular">;

/** The most played items of each window, best first. */
const popularSchema = z.object({
  hour: z.array(z.tuple([z.string(), z.int()])),
  day: z.array(z.tuple([z.string(), z.int()])),
  week: z.array(z.tuple([z.string(), z.int()])),
});
type Popular = z.infer<typeof popularSchema>;

/** Letters, digits and a few signs: what every store of plays can hold. */
const playSchema = z.object({
  item: z
    .string()
    .max(256)
    .regex(/^[\w.:~-]+$/),
});
/** The key of what is served. */
const SERVED = "popular";
/**
 * Takes plays as NDJSON, `{"item": "…"}` a line. They are kept before anything is triggered: what
 * was answered with 202 is counted.
 */
export async function add_plays(request: Request, { env }: EndpointContext): Promise<Response | undefined> {
  const plays = new Map<string, number>();
  for (const text of (await request.text()).split("\n")) {
    if (text.trim() === "") continue;
    const play = playSchema.safeParse(jsonOf(text));
    if (!play.success)
      return Response.json({ error: `${text.slice(0, 80)} is no {"item"}: nothing was taken` }, { status: 400 });
    plays.set(play.data.item, (plays.get(play.data.item) ?? 0) + 1);
  }
  if (plays.size === 0) return Response.json({ error: "there are no plays" }, { status: 400 });
  await playStore(env).keep(plays);
  await emitEvent("plays.added", { items: plays.size });
  return undefined;
}

/**
 * Counts the plays of each window. What triggered it is of no matter: it counts everything, so a
 * second attempt gives the same.
 */
export const popular_items = task({
  output: popularSchema,
  run: async (_payload: unknown, { env }): Promise<Popular> => {
    const counts = await playStore(env).countsOf(hoursBefore(new Date(), WINDOWS.week));
    const window = (name: WindowName) => mostPlayed(counts.slice(0, WINDOWS[name]));
    return { hour: window("hour"), day: window("day"), week: window("week") };
  },
});

/** Stores all lists by one write, with the run that counted them. */
export const store_popular = task({
  input: popularSchema,
  run: async (popular, { env }) => {
    await env.RECOMMENDATIONS.put(SERVED, JSON.stringify(servedBy(popular)));
    return { items: popular.week.length };
  },
});

/** Component: the most played items of the last 24 hours. */
export async function popular_today(params: Params, { env }: EndpointContext) {
  return servedWindow(env, "day", params);
}

/** Component: the most played items of the last seven days. */
export async function popular_this_week(params: Params, { env }: EndpointContext) {
  return servedWindow(env, "week", params);
}

async function servedWindow(env: Env, name: WindowName, { limit }: Params) {
  const json = await env.RECOMMENDATIONS.get(SERVED, "json");
  if (json === null) throw new Error("nothing was played yet");
  const stored = readServed<Popular>(json);
  const list = stored.value[name];
  if (list.length === 0) throw new Error("nothing was played in this window");
  return { ...stored, value: list.slice(0, limit).map(([id, plays]) => ({ id, plays })) };
}

/** The fallback: a choice of the editors, which needs no store. */
export async function editors_choice({ limit }: Params) {
  return ["melting-point", "deep-field", "the-thaw"].slice(0, limit).map((id) => ({ id, plays: 0 }));
}

/** Takes `{"token": …}`, the header peach-recommendation of the answer that was clicked. */
export async function click(request: Request): Promise<Response> {
  const body = z.object({ token: z.string() }).safeParse(await request.json().catch(() => null));
  if (!body.success) return Response.json({ error: 'expected {"token": "…"}' }, { status: 400 });
  try {
    await countClick(body.data.token);
  } catch (error) {
    if (!(error instanceof InvalidRecommendationError)) throw error;
    return Response.json({ error: "the token is not one of this service" }, { status: 400 });
  }
  return new Response(null, { status: 204 });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
