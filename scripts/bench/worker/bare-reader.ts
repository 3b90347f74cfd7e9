/**
 * The lower bound of scripts/bench/recommendations.ts: a worker that reads a key, and nothing else.
 */

interface Bindings {
  readonly RECOMMENDATIONS: KVNamespace;
}

// The entry of a worker.
// oxlint-disable-next-line import/no-default-export
export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    if (request.method === "PUT") {
      await env.RECOMMENDATIONS.put("user", await request.text());
      return new Response("filled");
    }
    return Response.json(await env.RECOMMENDATIONS.get("user", "json"));
  },
};
