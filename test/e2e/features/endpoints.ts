/** What stands around an endpoint: who may call it, what answers in its place, and what is kept of what came in. */
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { makeCertificate } from "../../support/certificate.ts";
import { PROVIDERS, type SignedRequest } from "../../support/signed.ts";
import type { Stage } from "../stage.ts";
import { listedRuns, onlyRunOf, passed, SOON, tokenOf } from "./deployment.ts";
import type { Elsewhere } from "./elsewhere.ts";

type Scheme = keyof typeof PROVIDERS;

/** The variables that hold the secrets of the senders, as peach.conf names them. */
export const SECRETS = {
  SECRET_OF_GITHUB: PROVIDERS.github.secret,
  SECRET_OF_STRIPE: PROVIDERS.stripe.secret,
  SECRET_OF_SLACK: PROVIDERS.slack.secret,
  SECRET_OF_HMAC: PROVIDERS["hmac-sha256"].secret,
  SECRET_OF_STANDARD: PROVIDERS["standard-webhooks"].secret,
};

const SCHEMES: readonly Scheme[] = ["github", "stripe", "slack", "hmac-sha256", "standard-webhooks"];

const delivery = z.object({
  id: z.string(),
  status: z.number(),
  reason: z.string().nullable(),
  runs: z.array(z.object({ run_id: z.string(), task: z.string() })),
  replay_of: z.string().nullable(),
});
const page = z.object({ deliveries: z.array(delivery) });
const problem = z.object({ code: z.string() });

export function describeEndpoints(stage: () => Stage, elsewhere: () => Elsewhere): void {
  const call = (path: string, init: RequestInit = {}): Promise<Response> => fetch(stage().peach.url + path, init);
  const codeOf = async (answer: Response): Promise<unknown> => [answer.status, problem.parse(await answer.json()).code];
  const deliveries = async (endpoint: string): Promise<readonly z.infer<typeof delivery>[]> =>
    page.parse(await (await stage().peach.call(`/api/v1/endpoints/${endpoint}/deliveries`)).json()).deliveries;

  describe("a signed delivery", () => {
    const deliver = (scheme: Scheme, { headers, body }: SignedRequest): Promise<Response> =>
      call(`/${scheme}`, { method: "POST", headers: { ...headers }, body });

    it.each(SCHEMES)("of %s comes in once, and of a stranger not at all", async (scheme) => {
      const { sign, secret, otherSecret } = PROVIDERS[scheme];
      const when = { id: `msg_${scheme}`, at: Date.now() };
      const signed = sign(secret, { of: scheme }, when);
      const first = await deliver(scheme, signed);
      const text = await first.clone().text();
      const runId = await onlyRunOf(first);
      expect((await stage().peach.finished(runId)).trigger).toMatchObject({ source: "endpoint", by: scheme });
      expect(await passed(stage(), runId, "echo")).toMatchObject({ of: scheme });

      await expect.poll(() => listedRuns(stage(), "echo"), SOON).toContain(runId);
      const before = await listedRuns(stage(), "echo");
      const again = await deliver(scheme, signed);
      expect([again.status, again.headers.get("Idempotent-Replayed"), await again.text()]).toEqual([202, "true", text]);

      const stranger = await deliver(scheme, sign(otherSecret, { of: "a stranger" }, when));
      expect(await codeOf(stranger)).toEqual([401, "signature_mismatch"]);
      const changed = await deliver(scheme, { headers: signed.headers, body: signed.body.replace(scheme, "other") });
      expect(await codeOf(changed)).toEqual([401, "signature_mismatch"]);
      const unsigned = await deliver(scheme, { headers: {}, body: signed.body });
      expect(await codeOf(unsigned)).toEqual([401, "signature_missing"]);
      expect(await listedRuns(stage(), "echo")).toEqual(before);
    });

    it("of SNS is refused where its certificate lies anywhere but with Amazon, however well it is signed", async () => {
      const certificate = await makeCertificate();
      const said = {
        Message: "{}",
        MessageId: "1",
        Timestamp: new Date().toISOString(),
        TopicArn: "arn:aws:sns:eu-west-1:123456789012:uploads",
        Type: "Notification",
      };
      const text = Object.entries(said).map(([name, value]) => `${name}\n${value}\n`);
      const message = {
        ...said,
        SignatureVersion: "2",
        Signature: await certificate.sign(text.join(""), "SHA-256"),
        SigningCertURL: elsewhere().put("/certificate.pem", certificate.pem, "application/x-pem-file"),
      };
      const answer = await call("/sns", { method: "POST", body: JSON.stringify(message) });
      expect(await codeOf(answer)).toEqual([401, "signature_mismatch"]);
      expect(elsewhere().asked.map(({ path }) => path)).not.toContain("/certificate.pem");
    });
  });

  describe("auth: token", () => {
    it.each<[string | null, number]>([
      [null, 401],
      ["nobody's", 401],
      [tokenOf("read"), 403],
      [tokenOf("trigger:echo"), 403],
      [tokenOf("operate"), 403],
      [tokenOf("trigger"), 202],
      [tokenOf("admin"), 202],
    ])("answers the token %j with %i", async (token, status) => {
      const headers = token === null ? {} : { Authorization: `Bearer ${token}` };
      const answer = await call("/starts", { method: "POST", body: "1", headers });
      expect(answer.status).toBe(status);
      await answer.body?.cancel();
    });
  });

  describe("an endpoint", () => {
    it("that throws is answered for by its fallback", async () => {
      const answer = await call("/falls");
      expect([answer.status, await answer.json()]).toEqual([200, { by: "stands_in" }]);
    });

    it("tells browsers which origins may call it, and no others", async () => {
      const allowed = async (method: string, Origin: string): Promise<unknown> => {
        const headers = { Origin, ...(method === "OPTIONS" && { "Access-Control-Request-Method": "GET" }) };
        const answer = await call("/shared", { method, headers });
        await answer.body?.cancel();
        return answer.headers.get("Access-Control-Allow-Origin");
      };
      for (const method of ["OPTIONS", "GET"]) {
        // The local runtime answers to pages of this machine only.
        expect(await allowed(method, "http://localhost:4321")).toBe("http://localhost:4321");
        expect(await allowed(method, "http://localhost:4322")).toBeNull();
      }
    });
  });

  describe("what came in at an endpoint", () => {
    it("is listed with what became of it, and is sent again by the API, also what was refused", async () => {
      const { sign, otherSecret } = PROVIDERS.github;
      const { headers, body } = sign(otherSecret, { kept: true }, { id: "kept", at: Date.now() });
      const answer = await call("/github", { method: "POST", headers: { ...headers }, body });
      expect(answer.status).toBe(401);
      await answer.body?.cancel();
      await expect
        .poll(async () => (await deliveries("github"))[0], SOON)
        .toMatchObject({ status: 401, reason: "signature_mismatch", runs: [] });
      const [refused] = await deliveries("github");

      const path = `/api/v1/endpoints/github/deliveries/${refused?.id}/replay`;
      const replayed = await stage().peach.call(path, { method: "POST" });
      const { runs, replay_of } = z
        .object({ runs: delivery.shape.runs, replay_of: z.string() })
        .parse(await replayed.json());
      expect([replayed.status, replay_of]).toEqual([202, refused?.id]);
      expect((await stage().peach.finished(runs[0]?.run_id ?? "")).trigger).toMatchObject({ source: "replay" });
      expect(await passed(stage(), runs[0]?.run_id ?? "", "echo")).toEqual({ kept: true });
      await expect
        .poll(async () => (await deliveries("github"))[0], SOON)
        .toMatchObject({ status: 202, runs, replay_of: refused?.id });
    });
  });
}
