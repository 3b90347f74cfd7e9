import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runTask } from "peach/testing";
import { influx, milvus } from "peach/stores";
import { FakeHttp } from "../support/fake-http.ts";

const SECRET = "s3cret-of-the-test";

let server: FakeHttp;
beforeEach(async () => {
  server = await FakeHttp.open();
});
afterEach(() => server.close());

const env = (): Record<string, string> => ({
  INFLUX_URL: server.url,
  INFLUX_TOKEN: SECRET,
  INFLUX_DATABASE: "plays",
  MILVUS_URL: server.url,
  MILVUS_TOKEN: SECRET,
});

/** Runs a call as a task. */
function asTask(work: () => Promise<unknown>, given: Readonly<Record<string, unknown>> = env()) {
  return runTask(async () => (await work()) ?? null, undefined, { env: given });
}

describe("a store over HTTP", () => {
  it.each([
    ["influx().write", () => influx({ version: 3 }).write("m v=1")],
    ["influx().query of InfluxDB 3", () => influx({ version: 3 }).query("Q")],
    ["influx().query of InfluxDB 2", () => influx({ version: 2 }).query("Q")],
    ["milvus().delete", () => milvus().delete({ collectionName: "c", filter: "id > 1" })],
  ])("follows no redirect, such as to a page for logging in: %s", async (_, call) => {
    server.answer = ({ path }) =>
      path === "/login" ? { body: '{"code":0,"data":[]}' } : { status: 302, headers: { Location: "/login" } };
    const { error, retry } = await asTask(call);
    expect([error?.name, retry]).toEqual(["NonRetryableError", null]);
    expect(error?.message).toContain("answered 302");
    expect(server.asked.map(({ path }) => path)).not.toContain("/login");
  });

  it("hides a secret that stands where a long message is cut", async () => {
    const said = `${"x".repeat(495)}${SECRET}`;
    server.answer = () => ({ status: 400, body: JSON.stringify({ message: said }) });
    const { error } = await asTask(() => milvus().get({ collectionName: "c", id: 1 }));
    expect(error?.message).toMatch(/x{495}\*\*\*$/);
  });
});
