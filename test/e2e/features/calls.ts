/** The HTTP API from outside: who may call what, events of other systems, and what an operator looks at. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parsePrometheusText } from "../../support/prometheus-text.ts";
import type { Stage } from "../stage.ts";
import { onlyRunOf, passed, runsOf, SOON, tokenOf } from "./deployment.ts";

const made = z.object({ name: z.string(), token: z.string() });

export function describeCalls(stage: () => Stage): void {
  const call = async (path: string, token: string | null, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (token !== null) headers.set("Authorization", `Bearer ${token}`);
    return fetch(stage().peach.url + path, { ...init, headers });
  };
  const statusOf = async (answer: Response): Promise<number> => {
    await answer.body?.cancel();
    return answer.status;
  };

  describe("a token", () => {
    const who = [null, "nobody's", ...["read", "trigger", "trigger:echo", "operate", "admin"].map(tokenOf)];
    it.each<[string, string, readonly number[]]>([
      // none, unknown, read, trigger, trigger:echo, operate, admin
      ["GET", "/api/v1/runs", [401, 401, 200, 403, 403, 200, 200]],
      ["GET", "/api/v1/metrics", [401, 401, 200, 403, 403, 200, 200]],
      ["POST", "/api/v1/tasks/echo/trigger", [401, 401, 403, 202, 202, 403, 202]],
      ["POST", "/api/v1/tasks/held/trigger", [401, 401, 403, 202, 403, 403, 202]],
      ["POST", "/api/v1/events/nobody.listens", [401, 401, 403, 202, 403, 403, 202]],
      ["POST", "/api/v1/tasks/echo/resume", [401, 401, 403, 403, 403, 200, 200]],
      ["POST", "/api/v1/runs/cancel?task=ways", [401, 401, 403, 403, 403, 200, 200]],
      ["GET", "/api/v1/tokens", [401, 401, 403, 403, 403, 403, 200]],
      ["GET", "/healthz", [200, 200, 200, 200, 200, 200, 200]],
    ])("is let in by its scope: %s %s", async (method, path, statuses) => {
      const answers: number[] = [];
      for (const token of who) answers.push(await statusOf(await call(path, token, { method })));
      expect(answers).toEqual(statuses);
    });

    it("with the scope trigger reads the runs that it has started, and no others", async () => {
      const trigger = async (scope: string): Promise<string> => {
        const answer = await call("/api/v1/tasks/echo/trigger", tokenOf(scope), { method: "POST" });
        return z.object({ run_id: z.string() }).parse(await answer.json()).run_id;
      };
      const [own, other] = [await trigger("trigger"), await trigger("admin")];
      const read = async (run: string): Promise<number> =>
        statusOf(await call(`/api/v1/runs/${run}`, tokenOf("trigger")));
      expect([await read(own), await read(other)]).toEqual([200, 403]);
    });

    it("that was made lets in until it is deleted", async () => {
      const answer = await stage().peach.call("/api/v1/tokens", {
        method: "POST",
        body: JSON.stringify({ name: "made-here", scopes: ["read"] }),
      });
      const { token } = made.parse(await answer.json());
      expect(await statusOf(await call("/api/v1/runs", token))).toBe(200);
      const deleted = await stage().peach.call("/api/v1/tokens/made-here", { method: "DELETE" });
      expect(deleted.status).toBe(204);
      await expect.poll(async () => statusOf(await call("/api/v1/runs", token)), SOON).toBe(401);
    });
  });

  describe("a CloudEvent", () => {
    const attributes = { specversion: "1.0", type: "org.example.published", source: "https://desk.example.org/news" };
    const event = { ...attributes, id: "event-1", subject: "audio/a.mp3", time: "2027-01-01T00:00:00Z" };
    const data = { headline: "ü" };
    const emit = (type: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
      stage().peach.call("/api/v1/events/news.withdrawn", {
        method: "POST",
        headers: { "Content-Type": type, ...headers },
        body,
      });

    it("is one run, whether it comes structured, binary or in a batch, and its run knows it", async () => {
      const structured = JSON.stringify({ ...event, datacontenttype: "application/json", data });
      const run = await onlyRunOf(await emit("application/cloudevents+json", structured));
      const headers = Object.fromEntries(Object.entries(event).map(([name, value]) => [`ce-${name}`, value]));
      expect(await onlyRunOf(await emit("application/json", JSON.stringify(data), headers))).toBe(run);
      const second = JSON.stringify({ ...event, id: "event-2", data: null });
      const batch = await runsOf(await emit("application/cloudevents-batch+json", `[${structured}, ${second}]`));
      expect(batch.map(({ run_id }) => run_id === run)).toEqual([true, false]);

      const { specversion: _, ...told } = event;
      expect((await stage().peach.finished(run)).status).toBe("succeeded");
      const document = await (await stage().peach.call(`/api/v1/runs/${run}`)).json();
      expect(document).toMatchObject({ trigger: { source: "event", by: "news.withdrawn", event: told } });
      expect(await passed(stage(), run, "hears_all")).toEqual(data);
    });

    it("is refused with the places that are wrong", async () => {
      const answer = await emit("application/cloudevents+json", JSON.stringify({ ...event, specversion: "0.3" }));
      expect([answer.status, await answer.json()]).toMatchObject([
        400,
        { code: "invalid_payload", errors: [{ path: "$.specversion" }] },
      ]);
    });

    it("may be sent, says the handshake, without a token", async () => {
      const headers = { "WebHook-Request-Origin": "eventgrid.azure.net" };
      const answer = await call("/api/v1/events/news.withdrawn", null, { method: "OPTIONS", headers });
      expect([answer.status, answer.headers.get("WebHook-Allowed-Origin")]).toEqual([200, "eventgrid.azure.net"]);
    });
  });

  describe("an operator", () => {
    it("reads figures that a scraper takes, and that count what has run", async () => {
      const { run_id } = await stage().peach.trigger("echo");
      await stage().peach.finished(run_id);
      const succeeded = async (): Promise<number> => {
        const text = await (await stage().peach.call("/api/v1/metrics")).text();
        const samples = parsePrometheusText(text).get("peach_runs_total")?.samples ?? [];
        const ours = samples.filter(({ labels }) => labels["task"] === "echo" && labels["status"] === "succeeded");
        return ours.reduce((sum, { value }) => sum + value, 0);
      };
      const before = await succeeded();
      await stage().peach.finished((await stage().peach.trigger("echo")).run_id);
      await expect.poll(succeeded, SOON).toBeGreaterThan(before);
    });

    it("reads that all is well, and the documentation without a token", async () => {
      const health = await stage().peach.call("/api/v1/health");
      expect([health.status, await health.json()]).toMatchObject([200, { status: "ok" }]);
      const docs = await call("/api/v1/docs", null);
      expect([docs.status, await docs.text()]).toEqual([200, expect.stringContaining("/api/v1/tasks/{task}/trigger")]);
    });

    it("lets pages of the origins of PEACH_CORS_ORIGINS call the API, and no others", async () => {
      const allowed = async (Origin: string): Promise<string | null> => {
        const headers = { Origin, "Access-Control-Request-Method": "GET" };
        const answer = await call("/api/v1/runs", null, { method: "OPTIONS", headers });
        await answer.body?.cancel();
        return answer.headers.get("Access-Control-Allow-Origin");
      };
      expect(await allowed("http://localhost:4321")).toBe("http://localhost:4321");
      expect(await allowed("http://localhost:4322")).toBeNull();
    });
  });
}
