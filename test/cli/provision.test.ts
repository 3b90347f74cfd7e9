import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { REPO_ROOT, withProject } from "../compiler/project.ts";
import { commandLine } from "../scripts/command-line.ts";

const CONF = `tasks:
  audio: {method: a, on: {r2: {bucket: uploads, prefix: audio/, suffix: .mp3}}}
  all: {method: b, on: {r2: {bucket: uploads, prefix: video/, actions: [create, delete]}}}
endpoints:
  pushed: {method: handle, auth: {signature: github, secret: GITHUB_SECRET}}
`;

/** What an account has, in wrangler's words. */
interface Account {
  readonly queues?: readonly string[];
  readonly buckets?: readonly string[];
  readonly rules?: string;
  readonly secrets?: readonly string[];
  /** Every call fails with this. */
  readonly broken?: string;
}

/** A wrangler that answers as the real one does, and writes down what it was called with. */
const FAKE = `#!/usr/bin/env node
const { appendFileSync, readFileSync } = require("node:fs");
const account = JSON.parse(process.env.FAKE_ACCOUNT);
const args = process.argv.slice(2);
const say = (text) => console.log(text);
const fail = (text) => { console.error("\\u001b[31mX [ERROR] " + text + "\\u001b[0m"); process.exit(1); };
let input = "";
if (args[0] === "secret" && args[1] === "put") input = readFileSync(0, "utf8");
appendFileSync(process.env.FAKE_LOG, JSON.stringify({ args, ...(input && { input }) }) + "\\n");
if (account.broken) fail(account.broken);
const call = args.join(" ");
if (call.startsWith("queues info") && !account.queues.includes(args[2])) fail('Queue "' + args[2] + '" does not exist. To create it, run: wrangler queues create ' + args[2]);
if (call.startsWith("r2 bucket info") && !account.buckets.includes(args[3])) fail("The specified bucket does not exist. [code: 10006]");
if (call.startsWith("r2 bucket notification list")) account.rules ? say("Fetching notification rules for bucket " + args[4] + "...\\n" + account.rules) : fail("workers.api.error.no_r2_event_notification_configuration [code: 11015]");
if (call.startsWith("secret list")) account.secrets ? say(JSON.stringify(account.secrets.map((name) => ({ name, type: "secret_text" })))) : fail('Worker "peach" not found.');
`;

const RULE = (id: string, prefix: string, suffix: string, actions: string, queue = "peach-r2-events"): string =>
  `rule_id:     ${id}\ncreated_at:  2026-11-01T00:00:00Z\nqueue_name:  ${queue}\nprefix:      ${prefix || "(all prefixes)"}\nsuffix:      ${suffix || "(all suffixes)"}\nevent_type:  ${actions}`;
const CREATE = "PutObject,CompleteMultipartUpload,CopyObject";
const DELETE = "DeleteObject,LifecycleDeletion";
const QUEUES = ["peach-runs", "peach-r2-events", "peach-dead-letters"];
const BUCKETS = ["peach-payloads", "uploads"];
const RULES = [
  RULE("1", "audio/", ".mp3", CREATE),
  RULE("2", "video/", "", CREATE),
  RULE("3", "video/", "", DELETE),
].join("\n\n");

function provision(args: readonly string[], account: Account, env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "peach-provision-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "wrangler"), FAKE);
  chmodSync(join(folder, "wrangler"), 0o755);
  const log = join(folder, "log");
  writeFileSync(log, "");
  return withProject({ conf: CONF }, async ({ confPath, pipelinesDir }) => {
    const written = await commandLine(["provision", ...args], {
      projectRoot: REPO_ROOT,
      env: {
        PATH: `${folder}:${process.env["PATH"] ?? ""}`,
        FAKE_ACCOUNT: JSON.stringify({ queues: [], buckets: [], ...account }),
        FAKE_LOG: log,
        PEACH_CONF: confPath,
        PEACH_PIPELINES: pipelinesDir,
        ...env,
      },
    });
    const calls = readFileSync(log, "utf8").split("\n").filter(Boolean);
    const reads = /^(queues info|r2 bucket info|r2 bucket notification list|secret list)/;
    const changes = calls
      .map((line): { args: string[]; input?: string } => JSON.parse(line))
      .map(({ args: given, input }) => `${given.join(" ")}${input === undefined ? "" : ` < ${input}`}`)
      .filter((call) => !reads.test(call));
    return { ...written, changes };
  });
}

const ALL = [
  "queues create peach-dead-letters",
  "queues create peach-runs",
  "queues create peach-r2-events",
  "r2 bucket create peach-payloads",
  "r2 bucket create uploads",
  "r2 bucket notification create uploads --event-types object-create --queue peach-r2-events --prefix audio/ --suffix .mp3",
  "r2 bucket notification create uploads --event-types object-create --queue peach-r2-events --prefix video/",
  "r2 bucket notification create uploads --event-types object-delete --queue peach-r2-events --prefix video/",
  "secret put PEACH_API_TOKEN",
  "secret put GITHUB_SECRET",
];

function commandsIn(out: string): string[] {
  return [...out.matchAll(/^npx wrangler (.*)$/gm)].map(([, command = ""]) => command);
}

describe("peach provision", () => {
  it("peach provision prints what is missing in a new account, and changes nothing", async () => {
    const { code, out, changes } = await provision([], {});
    expect([code, commandsIn(out), changes]).toEqual([0, ALL, []]);
    expect(out).toContain("# the secret GITHUB_SECRET: without it pushed refuses every delivery\n");
  });

  it("peach provision prints every command without looking", async () => {
    const { code, out } = await provision(["--all"], { broken: "not logged in" });
    expect([code, commandsIn(out).toSorted()]).toEqual([0, ALL.toSorted()]);
  });

  it("peach provision creates with --apply what is missing, with secrets from the environment by stdin", async () => {
    const env = { PEACH_API_TOKEN: "token", GITHUB_SECRET: "it's secret" };
    const { code, out, changes } = await provision(["--apply"], {}, env);
    expect(code).toBe(0);
    expect(changes).toEqual([
      ...ALL.slice(0, 8),
      "secret put PEACH_API_TOKEN < token",
      "secret put GITHUB_SECRET < it's secret",
    ]);
    expect(out).not.toContain("it's secret");
  });

  it("peach provision has nothing to do where all is there", async () => {
    const account = { queues: QUEUES, buckets: BUCKETS, rules: RULES, secrets: ["PEACH_API_TOKENS", "GITHUB_SECRET"] };
    expect(await provision(["--apply"], account)).toMatchObject({ code: 0, out: "nothing is missing", changes: [] });
    expect(await provision([], account)).toMatchObject({ code: 0, out: "# nothing is missing" });
  });

  it("peach provision leaves secrets to the person that the environment does not have", async () => {
    const account = { queues: QUEUES, buckets: BUCKETS, rules: RULES, secrets: [] };
    const { code, out, changes } = await provision(["--apply"], account, { PEACH_API_TOKEN: "token" });
    expect([code, changes]).toEqual([1, ["secret put PEACH_API_TOKEN < token"]]);
    expect(out).toContain("left to you: the secret GITHUB_SECRET");
  });

  it("peach provision is content with wider rules, replaces its own that are in the way, and leaves others alone", async () => {
    const account = { queues: QUEUES, buckets: BUCKETS, secrets: ["PEACH_API_TOKEN", "GITHUB_SECRET"] };
    const wide = await provision([], { ...account, rules: RULE("1", "", "", `${CREATE},${DELETE}`) });
    expect(commandsIn(wide.out)).toEqual([]);
    const narrow = [
      RULE("7", "audio/news/", ".mp3", CREATE),
      RULE("8", "old/", "", CREATE),
      RULE("9", "video/", "", CREATE, "theirs"),
    ];
    const { out, changes } = await provision(["--apply", "--json"], { ...account, rules: narrow.join("\n\n") });
    expect(changes).toEqual([
      "r2 bucket notification delete uploads --queue peach-r2-events --rule 7",
      ...ALL.slice(5, 8),
    ]);
    expect(JSON.parse(out).notes).toEqual([
      expect.stringContaining("uploads/audio/news/*.mp3 (object-create) is replaced by uploads/audio/*.mp3"),
      expect.stringContaining("overlaps the rule 9 of the queue theirs"),
      expect.stringContaining(
        "no task needs the rule uploads/old/* (object-create): npx wrangler r2 bucket notification delete",
      ),
    ]);
  });

  it("peach provision says what wrangler said when that fails", async () => {
    const { code, err, changes } = await provision(["--apply"], { broken: "You are not logged in." });
    expect([code, changes]).toEqual([1, []]);
    expect(err).toBe(
      "error: wrangler queues info peach-dead-letters failed:\nX [ERROR] You are not logged in.\nhint: log in with `npx wrangler login`; --all prints every command without looking",
    );
    const without = await provision([], {}, { PATH: "/nowhere" });
    expect([without.code, without.err]).toEqual([1, expect.stringContaining("wrangler cannot be started")]);
  });
});
