import { execFile } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open("lab");
  return () => stage.close();
});

/** Node's own EventSource, which nobody closes: it ends when it gives up. Prints what it was told, as JSON. */
const LISTENER = `
const source = new EventSource(process.argv[1]);
const told = [];
for (const name of ["run", "change", "end"]) source.addEventListener(name, ({ lastEventId }) => told.push([name, lastEventId]));
source.addEventListener("error", () => {
  if (source.readyState === EventSource.CLOSED) process.stdout.write(JSON.stringify(told), () => process.exit());
});
// Its wait before it comes back does not keep the process alive.
setInterval(() => {}, 60_000);
`;

/** The runtime behind a proxy that brings the token, since an EventSource cannot; and the answers that it gave. */
async function withToken({ url, token }: { readonly url: string; readonly token: string }) {
  const statuses: number[] = [];
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const position = request.headers["last-event-id"];
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(typeof position === "string" && { "Last-Event-ID": position }),
    };
    const answer = await fetch(`${url}${request.url}`, { headers });
    statuses.push(answer.status);
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    if (answer.body === null) response.end();
    else await pipeline(Readable.fromWeb(answer.body), response);
  };
  const proxy = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return { proxyUrl: `http://127.0.0.1:${address.port}`, statuses };
}

it("a standard EventSource on a run that is final hears its end once, comes back once, and gives up", async () => {
  const { runId } = await createClient(stage.peach).trigger("echo", { a: 1 }, { wait: "1m" });
  const { proxyUrl, statuses } = await withToken(stage.peach);
  const url = `${proxyUrl}/api/v1/runs/${runId}/events`;
  const listening = promisify(execFile)(process.execPath, ["--experimental-eventsource", "-e", LISTENER, url], {
    timeout: 60_000,
  });
  const told: unknown = JSON.parse((await listening).stdout);
  expect(told).toEqual([
    ["run", expect.stringMatching(/^\d+$/)],
    ["end", expect.stringMatching(/^\d+$/)],
  ]);
  expect(statuses).toEqual([200, 204]);
});
