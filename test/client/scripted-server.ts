/**
 * A server on loopback that answers as a test tells it, and notes what it was asked. It says nothing that the API does not say: an answer
 * that does not fit what its operation promises is a 500 in its place.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface Asked {
  readonly method: string;
  /** Without /api/v1. */
  readonly path: string;
  /** With it, as it was asked. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What to answer: a status and JSON (or bytes), or whatever the test does with the response. `break`: the connection ends. */
export type Answer = "break" | SimpleAnswer | ((response: ServerResponse, asked: Asked) => void | Promise<void>);

interface SimpleAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ScriptedServer {
  readonly url: string;
  readonly asked: readonly Asked[];
}

/** Gives these answers, one after the other, and the last one for ever. Ends with the test. */
export async function serve(...answers: readonly Answer[]): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = request;
    const body = await buffer(request);
    const call: Asked = { method, path: url.replace(/^\/api\/v1/, ""), url, headers, body };
    asked.push(call);
    const answer = answers[Math.min(asked.length, answers.length) - 1] ?? { status: 500 };
    if (answer === "break") request.socket.destroy();
    else if (typeof answer === "function") await answer(response, call);
    else {
      await heldAgainstApi(call, answer);
      send(response, answer);
    }
  };
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

/** Not typed here: it reads the API's own code, whose surroundings the types of Node do not have. */
const SCHEMAS: string = new URL("../support/answer-schemas.ts", import.meta.url).pathname;
interface Schemas {
  readonly operationOf: (method: string, path: string) => unknown;
  readonly holdAgainstSchema: (operation: unknown, response: Response) => Promise<void>;
}
/** Loaded before the tests begin: a busy machine takes longer over it than a client calls again. */
const { operationOf, holdAgainstSchema }: Schemas = await import(SCHEMAS);

/** Throws if the API would not answer so. */
async function heldAgainstApi({ method, path }: Asked, { status = 200, body, headers }: SimpleAnswer): Promise<void> {
  if (body instanceof Uint8Array || status === 204) return;
  const operation = operationOf(method, `/api/v1${path}`);
  if (operation === null) throw new Error(`the API has no ${method} ${path}`);
  await holdAgainstSchema(operation, Response.json(body ?? {}, { status, headers: { ...headers } }));
}

/** A stream of server-sent events: these, `rest`, and then its end, or with `open` nothing. */
export function events(texts: readonly string[], how: "end" | "open" | "break" = "end", rest = ""): Answer {
  return (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(`: open\n\n${texts.map((text) => `${text}\n\n`).join("")}${rest}`, () => {
      if (how === "end") response.end();
      if (how === "break") response.socket?.destroy();
    });
  };
}

/** Any answer at all, where only what is asked is looked at. */
export const anything: Answer = (response) => {
  response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
};

/** A problem document. */
export function problem(status: number, code: string, more: object = {}): Answer {
  return { status, body: { code, detail: `It is ${code}.`, hint: "Do this.", request_id: "r1", ...more } };
}

function send(response: ServerResponse, { status = 200, body, headers }: SimpleAnswer): void {
  const isBytes = body instanceof Uint8Array;
  response
    .writeHead(status, { "Content-Type": isBytes ? "application/octet-stream" : "application/json", ...headers })
    .end(isBytes ? body : JSON.stringify(body ?? {}));
}
