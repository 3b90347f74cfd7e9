import {
  countClick,
  InvalidRecommendationError,
  task,
  type EndpointContext,
  type RecommendationParams,
} from "peach/task-helpers";
import * as z from "zod";
import { readList, storeLists } from "./store.ts";
import { modelSchema } from "./training.ts";

type Params = RecommendationParams<"recommendations">;

/** The key of the list for everybody; the key of a user's list begins with another word. */
const POPULAR = "popular";
const userKey = (user: string) => `user:${user}`;

/** Items with their scores, best first. */
type List = [item: string, score: number][];

export const store_recommendations = task({
  input: modelSchema,
  output: z.object({ lists: z.int() }),
  run: async (model, { env, runId }) => {
    const own = model.users.filter(([, list]) => list.length > 0);
    const lists = new Map<string, unknown>([
      [POPULAR, model.popular],
      ...own.map(([user, list]): [string, unknown] => [userKey(user), list]),
    ]);
    await storeLists(env, runId, lists);
    return { lists: lists.size };
  },
});

/** Component: what similar listeners play. Falls back for a listener without a list. */
export async function by_history({ user, limit }: Params, { env }: EndpointContext) {
  const list = await readList<List>(env, userKey(user));
  if (list === null) throw new Error(`there is no list for ${user} yet`);
  return { ...list, value: itemsOf(list.value, limit) };
}

/** Component: what most listeners play. */
export async function by_popularity({ limit }: Params, { env }: EndpointContext) {
  const list = await readList<List>(env, POPULAR);
  if (list === null) throw new Error("nothing was computed yet");
  return { ...list, value: itemsOf(list.value, limit) };
}

/** The fallback: a choice of the editors, which needs no store. */
export async function editors_choice({ limit }: Params) {
  return itemsOf(EDITORS_CHOICE, limit);
}

const EDITORS_CHOICE: List = [
  ["melting-point", 1],
  ["deep-field", 1],
  ["the-thaw", 1],
];

function itemsOf(list: List, limit: number): { id: string; score: number }[] {
  return list.slice(0, limit).map(([id, score]) => ({ id, score: Math.round(score * 1_000) / 1_000 }));
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
