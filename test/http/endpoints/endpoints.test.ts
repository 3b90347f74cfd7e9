import { describe, expect, it, vi } from "vitest";
import type { EndpointPlan } from "../../../src/domain/plan/plan.ts";
import { ProblemError } from "../../../src/domain/problem.ts";
import { triggerTaskWithEvent } from "../../../src/task-helpers.ts";
import type { EndpointFunction } from "../../../src/execution/author/method.ts";
import { pieces } from "../../payloads/streams.ts";
import { edge, type Send } from "../../support/edge.ts";
import { endpointPlan, planOf, taskPlan } from "../../support/plan.ts";

function serve(
  method: EndpointFunction,
  endpoint: Partial<EndpointPlan> = {},
  others: Readonly<Record<string, EndpointFunction>> = {},
): Send {
  const plan = planOf([taskPlan("echo")], { endpoints: [endpointPlan("hook", endpoint)] });
  return edge(plan, { registry: { endpoints: { hook: method, ...others } } });
}

/** A body whose length nobody declares. */
function chunked(...chunks: readonly string[]): RequestInit {
  return { method: "POST", body: pieces(...chunks.map((chunk) => new TextEncoder().encode(chunk))).stream };
}

async function quietly<T>(work: () => Promise<T>): Promise<{ result: T; logged: string }> {
  const spy = vi.spyOn(console, "error").mockImplementation(() => undefined);
  try {
    const result = await work();
    return { result, logged: spy.mock.calls.flat().join("\n") };
  } finally {
    spy.mockRestore();
  }
}

describe("what an endpoint's result becomes", () => {
  it("a Response as it is, with its status, headers and stream", async () => {
    const send = serve(
      () =>
        new Response(pieces(Uint8Array.of(104), Uint8Array.of(105)).stream, { status: 207, headers: { "X-A": "b" } }),
    );
    const response = await send("/hook");
    expect([response.status, response.headers.get("X-A"), await response.text()]).toEqual([207, "b", "hi"]);
    expect(response.headers.get("X-Request-Id")).not.toBeNull();
  });

  it.each([[{ a: 1 }], [[]], ["text"], [0], [false], [null]])(
    "a JSON value, %j: 200 application/json",
    async (value) => {
      const response = await serve(() => value)("/hook");
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Type")).toBe("application/json");
      expect(await response.json()).toEqual(value);
    },
  );

  it("an endpoint's result of undefined becomes 202 and the runs it triggered, in that call only", async () => {
    const send = serve(async (request) => {
      const count = Number(await request.text());
      for (let index = 0; index < count; index += 1) await triggerTaskWithEvent("echo", index);
    });
    for (const count of [2, 0, 1]) {
      const response = await send("/hook", { method: "POST", body: String(count) });
      expect(response.status).toBe(202);
      const { runs } = await response.json<{ runs: { run_id: string; task: string }[] }>();
      expect(runs).toEqual(
        Array.from({ length: count }, () => ({ run_id: expect.stringMatching(/^run_/), task: "echo" })),
      );
      for (const { run_id } of runs) {
        expect(await (await send(`/api/v1/runs/${run_id}`)).json()).toMatchObject({
          trigger: { source: "endpoint", by: "hook" },
        });
      }
    }
  });
});

describe("where an endpoint answers", () => {
  it("an endpoint gets the decoded :params of its url", async () => {
    const send = serve((_, { params }) => params, { url: "/users/:user/items/:item" });
    expect(await (await send("/users/a%20b/items/%C3%BC")).json()).toEqual({ user: "a b", item: "ü" });
  });

  it("an endpoint takes its methods only, and HEAD where it takes GET", async () => {
    const send = serve((request) => request.method, { methods: ["GET", "PUT"] });
    expect(await (await send("/hook")).json()).toBe("GET");
    expect(await (await send("/hook", { method: "PUT" })).json()).toBe("PUT");
    expect((await send("/hook", { method: "HEAD" })).status).toBe(200);
    const refused = await send("/hook", { method: "POST" });
    expect([refused.status, refused.headers.get("Allow")]).toEqual([405, "GET, PUT, HEAD"]);
  });

  it("an endpoint shares its url with another endpoint that takes other methods", async () => {
    const endpoints = [
      endpointPlan("read", { url: "/x", methods: ["GET"] }),
      endpointPlan("write", { url: "/x", methods: ["POST"] }),
    ];
    const send = edge(planOf([], { endpoints }), { registry: { endpoints: { read: () => "r", write: () => "w" } } });
    expect(await (await send("/x")).json()).toBe("r");
    expect(await (await send("/x", { method: "POST" })).json()).toBe("w");
    expect((await send("/x", { method: "PUT" })).headers.get("Allow")).toBe("GET, POST, HEAD");
  });

  it("an endpoint needs no token", async () => {
    expect((await serve(() => 1)("/hook", { headers: { Authorization: "none" } })).status).toBe(200);
  });
});

it("an endpoint whose url holds more than ASCII is reached by the encoded path", async () => {
  const response = await serve((_, { params }) => params, { url: "/a b/ü/:id" })("/a%20b/%C3%BC/x%2Fy");
  expect([response.status, await response.json()]).toEqual([200, { id: "x/y" }]);
});

describe("max_body", () => {
  const limited = { maxBodyBytes: 8 };

  it("max_body lets a body of just the limit through, declared or not", async () => {
    const send = serve((request) => request.text(), limited);
    expect(await (await send("/hook", { method: "POST", body: "12345678" })).json()).toBe("12345678");
    expect(await (await send("/hook", chunked("1234", "5678"))).json()).toBe("12345678");
  });

  it("max_body refuses a declared length at once: the endpoint is not called", async () => {
    const called = vi.fn<EndpointFunction>();
    const headers = { "Content-Length": "9" };
    const response = await serve(called, limited)("/hook", { method: "POST", body: "123456789", headers });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({
      code: "payload_too_large",
      detail: expect.stringContaining("8 bytes"),
    });
    expect(called).not.toHaveBeenCalled();
  });

  it.each([
    ["throws because of it", (request: Request) => request.text()],
    ["answers something else", (request: Request) => request.text().catch(() => new Response("oops", { status: 400 }))],
  ])("max_body refuses what is beyond it while it is read, if the endpoint %s", async (_, method) => {
    const { result, logged } = await quietly(() => serve(method, limited)("/hook", chunked("12345", "67890")));
    expect(result.status).toBe(413);
    expect(logged).toBe("");
  });

  it("max_body ends a streamed answer that the endpoint gives although the body was beyond it", async () => {
    const given = pieces(new Uint8Array(5), new Uint8Array(5));
    const method: EndpointFunction = (request) => request.text().catch(() => new Response(given.stream));
    expect((await serve(method, limited)("/hook", chunked("12345", "67890"))).status).toBe(413);
    expect(given.state()).toBe("cancelled");
  });

  it("max_body gives the endpoint no byte beyond it, and the sender no reason to go on", async () => {
    const body = pieces(...Array.from({ length: 100 }, () => new Uint8Array(5)));
    let read = 0;
    const method: EndpointFunction = async (request) => {
      for await (const chunk of request.body ?? []) read += chunk.length;
    };
    expect((await serve(method, limited)("/hook", { method: "POST", body: body.stream })).status).toBe(413);
    expect(read).toBe(5);
    await vi.waitFor(() => expect(body.state()).toBe("cancelled"), 10_000);
  });

  it("max_body refuses it also where a fallback would be called", async () => {
    const fallback = vi.fn<EndpointFunction>();
    const send = serve((request) => request.text(), { ...limited, fallback: "other" }, { other: fallback });
    expect((await send("/hook", chunked("12345", "67890"))).status).toBe(413);
    expect(fallback).not.toHaveBeenCalled();
  });

  it("max_body does not matter to an endpoint that leaves the body unread", async () => {
    expect((await serve(() => "unread", limited)("/hook", chunked("12345", "67890"))).status).toBe(200);
  });
});

describe("an endpoint that throws", () => {
  const fails: EndpointFunction = async (request) => {
    await request.text();
    throw new Error("the password is 1234");
  };

  it("an endpoint that throws answers 500 without the reason; the log has it under the request's id", async () => {
    const headers = { "X-Request-Id": "abc-1" };
    const { result, logged } = await quietly(() => serve(fails)("/hook", { method: "POST", body: "x", headers }));
    const text = await result.text();
    expect(result.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: "endpoint_failed", request_id: result.headers.get("X-Request-Id") });
    expect(text).not.toMatch(/1234|\.ts/);
    expect(logged).toMatch(/abc-1.*the password is 1234/);
  });

  it("an endpoint that throws answers the same if it triggers a task that is not there", async () => {
    const { result, logged } = await quietly(() => serve(() => triggerTaskWithEvent("nothing", 1))("/hook"));
    expect(result.status).toBe(500);
    expect(await result.json()).toMatchObject({ code: "endpoint_failed" });
    expect(logged).toContain('There is no task \\"nothing\\"');
  });

  it.each([
    ["that JSON cannot say", () => ({ amount: 1n })],
    ["that is a function", () => () => 1],
  ])("an endpoint that throws is also one that returns a value %s", async (_, method) => {
    expect((await quietly(() => serve(method)("/hook"))).result.status).toBe(500);
  });

  it.each([
    ["declared", { method: "POST", body: "whole", headers: { "Content-Length": "5" } }],
    ["chunked", chunked("wh", "ole")],
  ])(
    "an endpoint that throws hands over to its fallback, which gets the same request with its %s body",
    async (_, init) => {
      const send = serve(
        fails,
        { url: "/hook/:id", fallback: "other" },
        { other: async (request, { params, name }) => [request.method, params, name, await request.text()] },
      );
      const { result, logged } = await quietly(() => send("/hook/7", init));
      expect(await result.json()).toEqual(["POST", { id: "7" }, "hook", "whole"]);
      expect(logged).toContain("the password is 1234");
    },
  );

  it("an endpoint that throws has a fallback for requests without a body, too", async () => {
    const send = serve(fails, { fallback: "other" }, { other: () => "instead" });
    expect(await (await quietly(() => send("/hook"))).result.json()).toBe("instead");
  });

  it("an endpoint that throws answers 500 if the fallback throws too; both reasons are logged", async () => {
    const other: EndpointFunction = () => {
      throw new ProblemError({ code: "no_payload", detail: "Nor here.", hint: "Look." });
    };
    const { result, logged } = await quietly(() => serve(fails, { fallback: "other" }, { other })("/hook"));
    expect(result.status).toBe(500);
    expect(await result.json()).toMatchObject({ code: "endpoint_failed" });
    expect(logged).toContain("the password is 1234");
    expect(logged).toContain("Nor here.");
  });
});

describe("cors", () => {
  const cors = { origins: ["https://example.org"] };
  const preflight = (origin: string): RequestInit => ({
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
  });

  it("cors answers the preflight of its origins, with its methods", async () => {
    const called = vi.fn<EndpointFunction>();
    for (const methods of [["POST"], null]) {
      const response = await serve(called, { cors, methods })("/hook", preflight("https://example.org"));
      expect(response.status).toBe(204);
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://example.org");
      expect(response.headers.get("Access-Control-Allow-Methods")).toContain("POST");
    }
    expect(called).not.toHaveBeenCalled();
  });

  it("cors names the origin on answers, failed ones included, and no other origin", async () => {
    const { result } = await quietly(() =>
      serve(() => Promise.reject(new Error("x")), { cors })("/hook", { headers: { Origin: "https://example.org" } }),
    );
    expect(result.headers.get("Access-Control-Allow-Origin")).toBe("https://example.org");
    const other = await serve(() => 1, { cors })("/hook", { headers: { Origin: "https://evil.example" } });
    expect(other.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  it("cors takes * for every origin", async () => {
    const response = await serve(() => new Response("x"), { cors: { origins: ["*"] } })("/hook", {
      headers: { Origin: "https://a.example" },
    });
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  });

  it("cors is that of the endpoint whose method is asked for, where several share a url", async () => {
    const endpoints = [
      endpointPlan("reads", { url: "/shared", methods: ["GET"], cors: { origins: ["*"] } }),
      endpointPlan("writes", { url: "/shared", methods: ["POST"], cors }),
      endpointPlan("deletes", { url: "/shared", methods: ["DELETE"] }),
    ];
    const send = edge(planOf([], { endpoints }), { registry: { endpoints: {} } });
    const allowed = async (origin: string, method: string): Promise<string | null> => {
      const headers = { Origin: origin, "Access-Control-Request-Method": method };
      const answer = await send("/shared", { method: "OPTIONS", headers });
      return answer.headers.get("Access-Control-Allow-Origin");
    };
    for (const method of ["GET", "HEAD"]) expect(await allowed("https://evil.example", method)).toBe("*");
    expect(await allowed("https://example.org", "POST")).toBe("https://example.org");
    expect(await allowed("https://evil.example", "POST")).toBeNull();
    expect(await allowed("https://example.org", "DELETE")).toBeNull();
  });

  it("cors is not there where it is not configured", async () => {
    const response = await serve(() => 1, { methods: ["POST"] })("/hook", preflight("https://example.org"));
    expect(response.status).toBe(405);
  });
});
