import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { groupMembers } from "../../../src/local/process-group.ts";
import { CONF, DevProject, WAIT } from "./dev-project.ts";

/** Which of these processes listens on this port of 127.0.0.1, by the tables of Linux. */
function listenerOf(port: number, pids: readonly number[]): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/ +/));
  const socket = rows.find(([, address, , state]) => address === local && state === "0A")?.[9];
  const pid = pids.find((one) =>
    readdirSync(`/proc/${one}/fd`).some((fd) => readlinkSync(`/proc/${one}/fd/${fd}`) === `socket:[${socket}]`),
  );
  if (pid === undefined) throw new Error(`none of ${pids.join(", ")} listens on ${port}`);
  return pid;
}

let project: DevProject;
beforeEach(() => {
  project = new DevProject();
});
afterEach(() => project.close());

describe("npm run dev", () => {
  it("npm run dev is ready when /healthz answers, says what there is, and ends all it started at SIGTERM", async () => {
    const { command, peach, group } = await project.ready("0");
    expect((await peach.call("/healthz")).status).toBe(200);
    expect(command.stdout).toContain(`any method ${peach.url}/hello`);
    expect(command.stdout).toContain(`npm run peach -- trigger greet --watch --url ${peach.url}\n`);
    // The link is what stays in sight: nothing is printed after it.
    expect(command.stdout).toMatch(/\/dashboard\/login#[\w-]{20} {2}\(logs one browser in, once\)\n$/);
    // The token is nothing for a terminal, which is recorded and scrolled back.
    expect(command.stdout).not.toMatch(/Bearer|token=/i);
    expect(groupMembers(group)).not.toEqual([]);
    command.kill("SIGTERM");
    expect(await command.exit()).toBe(0);
    expect(groupMembers(group)).toEqual([]);
    expect(command.stderr).toBe("");
  });

  it("npm run dev leaves nothing running at SIGKILL, and goes on where it was on the same port and state", async () => {
    const { command, peach, group } = await project.ready("0");
    const { run_id } = await peach.trigger("greet");
    await peach.finished(run_id);
    command.kill("SIGKILL");
    expect(await command.exit()).toBe("SIGKILL");
    await expect.poll(() => groupMembers(group), WAIT).toEqual([]);

    const again = await project.ready(new URL(peach.url).port);
    expect(again.peach.url).toBe(peach.url);
    expect(await again.peach.run(run_id)).toMatchObject({ status: "succeeded" });
  });

  it("npm run dev ends and says why when only the process of the runtime that listens has died", async () => {
    const { command, peach, group } = await project.ready("0");
    const { run_id } = await peach.trigger("greet");
    await peach.finished(run_id);
    process.kill(listenerOf(Number(new URL(peach.url).port), groupMembers(group)), "SIGKILL");
    expect(await command.exit()).toBe(1);
    expect(command.stderr).toContain(`${peach.url} gives no answers any more`);
    expect(groupMembers(group)).toEqual([]);
    const again = await project.ready("0");
    expect(await again.peach.run(run_id)).toMatchObject({ status: "succeeded" });
  });

  it("npm run dev binds a bucket that wrangler.toml does not have", async () => {
    project.write("peach.conf", CONF.replace("greet}", "greet, on: {r2: {bucket: my-bucket, prefix: in/}}}"));
    const { peach } = await project.ready("0");
    const stored = await peach.call("/dev/r2/my-bucket/in/a.txt", { method: "PUT", body: "a" });
    const { will_trigger } = z
      .object({ will_trigger: z.array(z.object({ run_id: z.string() })) })
      .parse(await stored.json());
    const [run] = will_trigger;
    await expect.poll(async () => (await peach.call(`/api/v1/runs/${run?.run_id}`)).status, WAIT).toBe(200);
    expect(await peach.finished(run?.run_id ?? "")).toMatchObject({ status: "succeeded", trigger: { source: "r2" } });
  });

  it("npm run dev refuses a state folder and a port that are in use, and a peach.conf that is broken", async () => {
    const { peach } = await project.ready("0");
    const second = project.dev("--port", "0");
    expect(await second.exit()).toBe(1);
    expect(second.stderr).toMatch(/The state folder .* is in use by the runtime at http.*--persist-to\.\n$/s);

    const { port } = new URL(peach.url);
    const third = project.dev("--port", port, "--persist-to", join(project.folder, "other"));
    expect(await third.exit()).toBe(1);
    expect(third.stderr).toContain(`Port ${port} cannot be used (EADDRINUSE).`);
    expect((await peach.call("/healthz")).status).toBe(200);

    project.write("peach.conf", "tasks: []\n");
    const fourth = project.dev("--persist-to", join(project.folder, "other"));
    expect(await fourth.exit()).toBe(1);
    expect(fourth.stderr).toContain("peach.conf:1:8");
  });

  it("npm run dev refuses a token that the worker would refuse, and says what to do", async () => {
    const command = project.devWith({ PEACH_API_TOKEN: "x".repeat(23) }, []);
    expect(await command.exit()).toBe(1);
    expect(command.stderr).toContain("PEACH_API_TOKEN has fewer than 24 characters, so the worker refuses it");
  });

  it("npm run dev refuses options that it does not have", async () => {
    const command = project.dev("--prot", "1");
    expect(await command.exit()).toBe(2);
    expect(command.stderr).toMatch(/^Unknown option '--prot'\.\n\nusage: /);
  });
});
