import { vectors } from "peach/stores";
import {
  countClick,
  InvalidRecommendationError,
  type EndpointContext,
  type RecommendationParams,
  readServed,
  type Served,
} from "peach/task-helpers";
import * as z from "zod";
import { DIMENSIONS, indexName } from "./embedding.ts";

type Params = RecommendationParams<"similar">;

/** The key of an item in the namespace `ITEMS`. */
export const itemKey = (id: string) => `item:${id}`;

/** What is kept of an item, to find others by it. */
export interface Kept {
  readonly genre: string;
  readonly vector: readonly number[];
}

/** Component: the items whose texts are nearest. */
export async function similar_by_text(params: Params, { env }: EndpointContext) {
  const item = await kept(env, params.item);
  return { ...item, value: await nearest(env, params, item.value.vector) };
}

/** Component: the items of the same genre, nearest first. */
export async function similar_of_genre(params: Params, { env }: EndpointContext) {
  const item = await kept(env, params.item);
  const { vector, genre } = item.value;
  return { ...item, value: await nearest(env, params, vector, { genre }) };
}

/** The fallback: a choice of the editors, which needs no index. */
export async function editors_choice({ limit }: Params) {
  return [
    { id: "melting-point", title: "Melting Point" },
    { id: "deep-field", title: "Deep Field" },
  ].slice(0, limit);
}

/** Reads an item with the run that made its vector, which the token of the answer will name. */
async function kept(env: Env, item: string): Promise<Served<Kept>> {
  const found = await env.ITEMS.get(itemKey(item), "json");
  if (found === null) throw new Error(`there is no item ${item}`);
  return readServed<Kept>(found);
}

async function nearest(
  env: Env,
  { item, limit }: Params,
  vector: readonly number[],
  filter?: { readonly genre: string },
) {
  const index = vectors(indexName(env), { metric: "cosine", dimensions: DIMENSIONS });
  // The nearest one is the item itself.
  const found = await index.query(vector, { limit: limit + 1, ...(filter && { filter }) });
  return found
    .filter(({ id }) => id !== item)
    .slice(0, limit)
    .map(({ id, score, metadata }) => ({
      id,
      title: metadata?.["title"] ?? id,
      score: Math.round(score * 1_000) / 1_000,
    }));
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
