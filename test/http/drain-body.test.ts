import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { local } from "../../src/http/local/present.ts";
import { pieces } from "../payloads/streams.ts";
import { edge } from "../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../support/plan.ts";

const PLAN = planOf([taskPlan("echo")], {
  endpoints: [
    endpointPlan("reads", { maxBodyBytes: 100_000 }),
    endpointPlan("turns-away", { maxBodyBytes: 20_000_000 }),
    endpointPlan("breaks", { maxBodyBytes: 20_000_000 }),
  ],
});
const registry = {
  endpoints: {
    reads: (request: Request) => request.text(),
    "turns-away": async (request: Request) => {
      await request.body?.cancel();
      return "enough";
    },
    breaks: async (request: Request) => {
      const reader = request.body?.getReader();
      await reader?.read();
      await reader?.cancel();
      return "enough";
    },
  },
};
const send = edge(PLAN, { registry, dependencies: { local } });
const LOGIN = { "Sec-Fetch-Site": "same-origin", "X-Peach-Dashboard": "1" };
const JSON_TYPE = { "Content-Type": "application/json" };
const GZIP = { "Content-Encoding": "gzip" };

/** 400 KB that do not compress, then blanks: more than a decoder takes before it is read. */
const COMPRESSED = gzipSync(
  Buffer.concat([...Array.from({ length: 8 }, () => randomBytes(50_000)), Buffer.alloc(20_000_000, " ")]),
);
const PLAIN = Buffer.alloc(12_000_000, " ");

describe("on the local runtime an answer comes once the body has come, also", () => {
  it.each<[string, string, Record<string, string>, Uint8Array, number]>([
    ["one that nobody has read", "/nowhere", {}, PLAIN, 404],
    ["one to a path that reads as all paths", "/*", {}, PLAIN, 404],
    ["one to another host", "http://elsewhere.example.com/reads", {}, PLAIN, 403],
    ["one from a page elsewhere", "/reads", { Origin: "https://elsewhere.example.com" }, PLAIN, 403],
    [
      "a compressed one that is refused for its declared length",
      "/dashboard/login",
      { ...LOGIN, ...GZIP, "Content-Length": "400000" },
      COMPRESSED,
      413,
    ],
    ["a compressed one that is read up to a limit", "/dashboard/login", { ...LOGIN, ...GZIP }, COMPRESSED, 413],
    ["a compressed one of which an endpoint reads too much", "/reads", GZIP, COMPRESSED, 413],
    ["one of which an endpoint reads too much", "/reads", {}, PLAIN, 413],
    [
      "a compressed payload that is too large",
      "/api/v1/tasks/echo/trigger",
      { ...JSON_TYPE, ...GZIP },
      COMPRESSED,
      413,
    ],
    [
      "a payload that is not compressed as it says",
      "/api/v1/tasks/echo/trigger",
      { ...JSON_TYPE, ...GZIP },
      PLAIN,
      400,
    ],
    ["a payload that is too large", "/api/v1/tasks/echo/trigger", JSON_TYPE, PLAIN, 413],
    ["one that an endpoint cancels", "/turns-away", {}, PLAIN, 200],
    ["one that an endpoint begins to read", "/breaks", {}, PLAIN, 200],
  ])("%s", async (_, path, headers, bytes, status) => {
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / 40_000) },
      (_part, at) => new Uint8Array(bytes.subarray(at * 40_000, (at + 1) * 40_000)),
    );
    const body = pieces(...chunks);
    const answer = await send(new URL(path, "http://localhost").href, { method: "POST", headers, body: body.stream });
    expect([answer.status, body.state()]).toEqual([status, "ended"]);
  });
});
