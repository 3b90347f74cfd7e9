import { createExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { OPERATIONS } from "../../../src/http/api/operations.ts";
import { openApiDocument } from "../../../src/http/openapi/document.ts";
import { operation, type Operation } from "../../../src/http/openapi/operation.ts";
import { ADMIN_TOKEN, edge, edgeApp } from "../../support/edge.ts";
import { planOf, taskPlan } from "../../support/plan.ts";

const PLAN = planOf([taskPlan("echo")]);
const API = "/api/v1";

function callOf({ method, path }: Pick<Operation, "method" | "path">): string {
  return `${method} ${path}`;
}

async function readDocument() {
  const response = await edge(PLAN)(`${API}/openapi.json`);
  expect(response.headers.get("Content-Type")).toBe("application/json");
  return z
    .object({
      openapi: z.literal("3.1.1"),
      paths: z.record(
        z.string(),
        z.record(
          z.string(),
          z.object({
            operationId: z.string(),
            parameters: z
              .array(z.object({ name: z.string(), in: z.string(), required: z.boolean(), schema: z.looseObject({}) }))
              .default([]),
            responses: z.record(z.string(), z.looseObject({ description: z.string() })),
          }),
        ),
      ),
      components: z.object({ schemas: z.record(z.string(), z.looseObject({ type: z.string() })) }),
    })
    .parse(await response.json());
}

describe("the table of operations", () => {
  it("the table of operations has every route of the API, and no other", () => {
    const routes = edgeApp(PLAN)
      .app.routes.filter(({ path }) => path.startsWith(`${API}/`) && !path.includes("*"))
      .map(({ method, path }) => `${method} ${path.slice(API.length).replace(/:(\w+)/g, "{$1}")}`)
      // For people, and open to all.
      .filter((route) => route !== "GET /docs");
    expect(new Set(OPERATIONS.map(callOf))).toEqual(new Set(routes));
    expect(routes).toHaveLength(OPERATIONS.length);
  });

  it("the table of operations names each call once", () => {
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
  });

  // The call for many runs says it of each of them.
  it.each(
    OPERATIONS.filter(({ id, headers }) => id !== "replayRuns" && headers?.shape["Idempotency-Key"] !== undefined).map(
      callOf,
    ),
  )("%s takes an idempotency key, and says that it may belong to another payload", (call) => {
    expect(OPERATIONS.find((operation) => callOf(operation) === call)?.problems).toContain("idempotency_mismatch");
  });

  it.each(OPERATIONS.map((operation) => [callOf(operation), operation] as const))(
    "%s: its parameters are those of its path",
    (_call, { path, params }) => {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
      expect(Object.keys(params?.shape ?? {}).toSorted()).toEqual(inPath.toSorted());
    },
  );

  it.each(OPERATIONS.map((operation) => [callOf(operation), operation] as const))(
    "%s: refuses a query parameter that it does not have, and one that is given twice",
    async (_call, { method, path }) => {
      const url = API + path.replace("{index}", "0").replaceAll(/\{\w+\}/g, "echo");
      const refused = async (query: string): Promise<unknown> => {
        const response = await edgeApp(PLAN).app.request(
          `${url}?${query}`,
          { method, headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } },
          edgeApp(PLAN).bindings,
          createExecutionContext(),
        );
        return [response.status, await response.json()];
      };
      expect(await refused("surely_not=1")).toMatchObject([400, { errors: [{ path: "query.surely_not" }] }]);
      expect(await refused("limit=1&limit=2")).toMatchObject([400, { errors: [{ path: "query.limit" }] }]);
    },
  );
});

describe("GET /openapi.json", () => {
  it("GET /openapi.json describes each operation, with its parameters and answers", async () => {
    const { paths } = await readDocument();
    const described = Object.entries(paths).flatMap(([path, calls]) =>
      Object.keys(calls).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.toSorted()).toEqual(OPERATIONS.map(callOf).toSorted());
    const trigger = paths["/tasks/{task}/trigger"]?.["post"];
    expect(trigger?.parameters.map(({ name, in: place, required }) => [name, place, required])).toEqual([
      ["task", "path", true],
      ["delay", "query", false],
      ["wait", "query", false],
      ["tag", "query", false],
      ["Idempotency-Key", "header", false],
      ["Traceparent", "header", false],
      ["X-Peach-Source", "header", false],
    ]);
    expect(Object.keys(trigger?.responses ?? {})).toEqual(expect.arrayContaining(["200", "202", "400", "401", "404"]));
  });

  it.each<[string, Pick<Operation, "params" | "query" | "headers">, boolean]>([
    ["a query", { query: z.strictObject({ limit: z.int().optional() }) }, true],
    ["headers", { headers: z.object({ "X-Key": z.string().optional() }) }, true],
    ["a path alone", { params: z.object({ id: z.string() }) }, false],
    ["nothing", {}, false],
  ])("GET /openapi.json says whether a call may be refused for its parameters: one with %s", (_what, parts, may) => {
    const about = { id: "getX", right: "read", group: "Runs", summary: "Reads x", answers: {} } as const;
    const described = z.object({ "/x": z.object({ get: z.object({ responses: z.record(z.string(), z.unknown()) }) }) });
    const { paths } = openApiDocument([operation("GET /x", { ...about, ...parts })]);
    const { responses } = described.parse(paths)["/x"].get;
    expect("400" in responses).toBe(may);
  });

  it("GET /openapi.json says of each parameter where it stands, whether it is required, and what it is, if that is said", () => {
    const parts = {
      params: z.object({ id: z.string().optional().describe("Which one") }),
      query: z.strictObject({ limit: z.int().optional(), since: z.string() }),
      headers: z.object({ "X-Key": z.string().optional() }),
    };
    const about = { id: "getX", right: "read", group: "Runs", summary: "Reads x", answers: {} } as const;
    const { paths } = openApiDocument([operation("GET /x/{id}", { ...about, ...parts })]);
    const text = { type: "string" };
    expect(paths).toHaveProperty(
      ["/x/{id}", "get", "parameters"],
      [
        { name: "id", in: "path", required: true, description: "Which one", schema: text },
        { name: "limit", in: "query", required: false, schema: { type: "integer" } },
        { name: "since", in: "query", required: true, schema: text },
        { name: "X-Key", in: "header", required: false, schema: text },
      ],
    );
  });

  it("GET /openapi.json refers only to what it has", async () => {
    const document = await readDocument();
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(10);
    for (const name of references) expect(Object.keys(document.components.schemas)).toContain(name);
  });
});

describe("GET /docs", () => {
  it("GET /docs shows each call on one page that needs nothing else, without a token", async () => {
    const response = await edge(PLAN)(`${API}/docs`, { headers: { Authorization: "none" } });
    expect(response.status).toBe(200);
    const page = await response.text();
    for (const { id, path } of OPERATIONS) {
      expect(page).toContain(`<details id="${id}">`);
      expect(page).toContain(`<code>${API}${path}</code>`);
    }
    expect(page).not.toMatch(/<script|<link|<img|src=|url\(|@import|https?:/);
    const [style = ""] = /(?<=<style>).*(?=<\/style>)/s.exec(page) ?? [];
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style))).toBase64();
    const policy = response.headers.get("Content-Security-Policy");
    expect(policy).toContain(`default-src 'none'; style-src 'sha256-${digest}';`);
  });

  it("GET /docs links only to what it has", async () => {
    const page = await (await edge(PLAN)(`${API}/docs`)).text();
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(links.length).toBeGreaterThan(OPERATIONS.length);
    for (const id of links) expect(page).toContain(`id="${id}"`);
  });
});

describe("a query of the API", () => {
  const RECONCILE = `${API}/r2/uploads/reconcile`;

  it.each([
    ["dry_rn=true", "query.dry_rn", "Did you mean `dry_run`?"],
    ["dry_run=yes", "query.dry_run", "Correct it"],
    ["limit=0", "query.limit", "Correct it"],
    ["limit=1e1", "query.limit", "Correct it"],
    ["since=yesterday", "query.since", "Correct it"],
  ])("%s: is refused by its place and changes nothing", async (query, path, hint) => {
    const response = await edge(PLAN)(`${RECONCILE}?${query}`, { method: "POST" });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: "invalid_request",
      hint: expect.stringContaining(hint),
      errors: [{ path, message: expect.any(String) }],
    });
  });

  it.each([
    ["GET", "/api/v1/health?colours=1", "It has none."],
    ["POST", `${RECONCILE}?colours=1`, "It has prefix, since, dry_run, limit, cursor."],
  ])("%s %s: a parameter that is like none is refused with those that there are", async (method, path, hint) => {
    const response = await edge(PLAN)(path, { method });
    expect(await response.json()).toMatchObject({ code: "invalid_request", hint });
  });

  it("a query of the API with a parameter of a long name shows the beginning of it", async () => {
    const response = await edge(PLAN)(`/api/v1/health?${"x".repeat(5_000)}=1`);
    expect(response.status).toBe(400);
    expect((await response.text()).length).toBeLessThan(1_000);
  });

  it("a query of the API with several faults tells all of them", async () => {
    const response = await edge(PLAN)(`${RECONCILE}?limit=x&dry_run=1&cursr=1`, { method: "POST" });
    const { errors } = await response.json<{ errors: { path: string }[] }>();
    expect(errors.map(({ path }) => path).toSorted()).toEqual(["query.cursr", "query.dry_run", "query.limit"]);
  });
});
