/** What a server of a test asks Peach itself for: a pipeline of the test kit, in this process, at times that the test sets. */
import type { ServerResponse } from "node:http";
import type { TestPipeline } from "peach/testing";
import type { Asked } from "../client/scripted-server.ts";

/** Headers of one connection, and not of the call. */
const OF_CONNECTION = new Set(["connection", "content-length", "host", "keep-alive", "transfer-encoding"]);

/** Has the pipeline answer a call that came to a server: as an `Answer` of the scripted server, `passedOnTo(pipeline)`. */
export function passedOnTo(pipeline: TestPipeline): (response: ServerResponse, asked: Asked) => Promise<void> {
  return async (response, { method, url, headers, body }) => {
    const sent = Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name));
    const answer = await pipeline.request(url, {
      method,
      headers: sent.map(([name, value]): [string, string] => [name, String(value)]),
      ...(method !== "GET" && { body: Uint8Array.from(body) }),
    });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(bytes);
  };
}
