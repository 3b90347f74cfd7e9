/** Faults of each kind, planted in a server: the fuzzer finds each, and none where there is none. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { Prng } from "../../scripts/chaos/prng.ts";
import { runCampaign } from "../../scripts/fuzz/campaign.ts";
import { hostileBodies } from "../../scripts/fuzz/hostile-bodies.ts";
import { send } from "../../scripts/fuzz/send.ts";
import { besiege } from "../../scripts/fuzz/siege.ts";
import { WAYS_IN } from "../../scripts/fuzz/ways-in.ts";
import { TELLS_MEMORY } from "../../scripts/resident-memory.ts";

const SECRET = ["planted", "secret"].join("-");
const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

type Plant = (request: IncomingMessage, body: Buffer, response: ServerResponse) => boolean;

/** A server that refuses everything, as it should, but where the plant has answered. */
async function planted(plant: Plant): Promise<string> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    if (request.url === "/healthz") response.end("{}");
    else if (!plant(request, body, response)) refuse(response, 400, "no");
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  closing.push(
    () => server.closeAllConnections(),
    () => void server.close(),
  );
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}

function refuse(response: ServerResponse, status: number, detail: string): true {
  const document = { type: "t", title: "t", status, code: "c", detail, hint: "h", request_id: "r" };
  response.writeHead(status, { "Content-Type": "application/problem+json" }).end(JSON.stringify(document));
  return true;
}

async function campaignAgainst(plant: Plant, seed = 1): Promise<{ why: string; path: string }[]> {
  const url = await planted(plant);
  const { faults } = await runCampaign({
    calls: [],
    ways: WAYS_IN,
    requests: 400,
    seed,
    width: 4,
    authorizations: ["Bearer a", ""],
    secrets: [SECRET],
    known: [],
    send: (request) => send(url, request),
  });
  return faults.map(({ why, request: { path } }) => ({ why, path }));
}

async function siegeOf(plant: Plant): Promise<string[]> {
  return siegeAgainst(await planted(plant), [process.pid]);
}

async function siegeAgainst(url: string, pids: readonly number[]): Promise<string[]> {
  const { faults } = await besiege({
    url,
    pids,
    bodies: hostileBodies(100_000).filter(({ name }) => ["zeros", "depth"].includes(name)),
    targets: { anywhere: () => ({ path: "/x", headers: {} }) },
    requests: 10,
    prng: new Prng(1),
    secrets: [SECRET],
    send: (request) => send(url, request),
  });
  return faults.map(({ why }) => why);
}

it("a server without a fault has none", async () => {
  expect(await campaignAgainst(() => false)).toEqual([]);
  expect(await siegeOf(() => false)).toEqual([]);
});

it.each<[string, Plant, RegExp]>([
  [
    "a 500 of the log-in",
    ({ url }, _, response) => url === "/dashboard/login" && refuse(response, 500, "x"),
    /^it is 500/,
  ],
  [
    "a long refusal of object events",
    ({ url }, body, response) => url === "/objects" && body.length > 100 && refuse(response, 400, "x".repeat(70_000)),
    /refusal is \d+ bytes long/,
  ],
  [
    "a secret in the answer to a signature",
    ({ headers }, _, response) => "stripe-signature" in headers && refuse(response, 401, SECRET),
    /a secret/,
  ],
  [
    "a stack in the answer to a CloudEvent",
    ({ headers }, _, response) => "ce-id" in headers && refuse(response, 400, "Error\n    at read (a.ts:1:1)"),
    /a stack/,
  ],
  [
    "a refusal of a WebSocket that is no problem document",
    ({ headers }, _, response) =>
      headers["sec-websocket-key"] !== undefined &&
      response.writeHead(400, { "Content-Type": "text/plain" }).end("no") === response,
    /no problem document/,
  ],
  [
    "a completion that is not answered",
    ({ url = "" }, _, response) => url.startsWith("/complete/") && response.destroy() === response,
    /there is none/,
  ],
])("%s is found", async (_, plant, why) => {
  const found = await campaignAgainst(plant);
  expect(found.length).toBeGreaterThan(0);
  for (const fault of found) expect(fault.why).toMatch(why);
});

it("the same seed finds the same faults", async () => {
  const plant: Plant = ({ url = "" }, _, response) => url.length % 5 === 0 && refuse(response, 500, "x");
  const [first, second, other] = [
    await campaignAgainst(plant, 3),
    await campaignAgainst(plant, 3),
    await campaignAgainst(plant, 4),
  ];
  const paths = (found: typeof first): string[] => found.map(({ path }) => path).toSorted();
  expect(paths(second)).toEqual(paths(first));
  expect(paths(other)).not.toEqual(paths(first));
});

it.skipIf(!TELLS_MEMORY)("a server that grows by 200 MB for one body is found", async () => {
  const held: Buffer[] = [];
  const grows: Plant = (_, body) =>
    body.subarray(0, 2).toString() === "[[" && held.push(Buffer.alloc(200_000_000, 1)) < 0;
  expect(await siegeOf(grows)).toEqual([expect.stringMatching(/^the worker grew by [12]\d\d MB$/)]);
});

it.skipIf(!TELLS_MEMORY)(
  "a server that computes for more than a second, and answers nothing else meanwhile, is found",
  async () => {
    // In a process of its own: this one asks for its health.
    const server = spawn(process.execPath, ["-e", COMPUTING_SERVER], { stdio: ["ignore", "pipe", "inherit"] });
    closing.push(() => void server.kill("SIGKILL"));
    const [port] = await once(server.stdout, "data");
    const faults = await siegeAgainst(`http://127.0.0.1:${String(port).trim()}`, [server.pid ?? 0]);
    expect(faults).toEqual([expect.stringMatching(/^\/healthz answered after \d{4} ms of computing$/)]);
  },
);

/** Computes for two seconds for each body that begins with `[[`. Computing, not waiting: a busy machine takes longer for it. */
const COMPUTING_SERVER = `
  const server = require("node:http").createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk)).on("end", () => {
      const { user } = process.cpuUsage();
      while (String(chunks[0]).startsWith("[[") && process.cpuUsage().user - user < 2_000_000);
      response.end("{}");
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;
