import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { checkProject } from "../../src/compiler/compile.ts";
import type { NeededSecret } from "../../src/compiler/needed-secrets.ts";
import { projectPaths } from "../../src/compiler/project-paths.ts";
import type { Plan } from "../../src/domain/plan/plan.ts";
import { startupText } from "../../src/local/startup-text.ts";

const root = join(import.meta.dirname, "../..");
const paths = projectPaths({ PEACH_CONF: join(root, "peach.conf.example") }, root);

function greet(plan: Plan, missingSecrets: readonly NeededSecret[] = [], madeSecrets: readonly string[] = []): string {
  const rest = {
    paths,
    missingSecrets,
    madeSecrets,
    stateFolder: "/state",
    tokenSource: "PEACH_API_TOKEN in .dev.vars",
    tries: ["first", "second"],
    keys: null,
  };
  return stripVTControlCharacters(
    startupText({
      loginLink: "http://127.0.0.1:8787/dashboard/login#abcdefghij0123456789",
      url: "http://127.0.0.1:8787",
      plan,
      ...rest,
    }),
  );
}

describe("the text that npm run dev prints once it is ready", () => {
  const { compiled: project } = checkProject(paths);

  it("the text that npm run dev prints once it is ready says where it is, what there is, and how to call it", () => {
    if (project === null) throw new Error("peach.conf.example does not compile");
    const text = greet(project.plan);
    expect(text).toContain("http://127.0.0.1:8787\n");
    expect(text).toMatch(/state {2,}\/state /);
    expect(text).toContain("audio_transcription  Speech to text; on uploads/audio/*.mp3; then recommend, archive\n");
    expect(text).toContain("audio_transcription_webhook  POST http://127.0.0.1:8787/hooks/audio\n");
    expect(text).toContain("\nTry\n  first\n  second\n\n");
    expect(text).not.toMatch(/Bearer|peach_/);
  });

  it("the text that npm run dev prints once it is ready says when a task is due", () => {
    if (project === null) throw new Error("peach.conf.example does not compile");
    const { archive } = project.plan.tasks;
    if (archive === undefined) throw new Error("the example has no task archive");
    const nightly = { id: "a", cron: "0 3 * * *", timezone: "Europe/Zurich", overlap: "allow", payload: null } as const;
    const schedules = [{ ...nightly, catchUp: { policy: "none", windowMs: null } as const }];
    const text = greet({ ...project.plan, tasks: { archive: { ...archive, description: null, schedules } } });
    expect(text).toContain("archive  at 0 3 * * * Europe/Zurich\n");
  });

  it("the text that npm run dev prints once it is ready leaves out what a pipeline does not have", () => {
    if (project === null) throw new Error("peach.conf.example does not compile");
    const { archive } = project.plan.tasks;
    if (archive === undefined) throw new Error("the example has no task archive");
    const text = greet({ ...project.plan, tasks: { archive: { ...archive, upstream: [] } }, endpoints: [] });
    expect(text).not.toContain("Endpoints");
  });

  it("the text that npm run dev prints once it is ready says which secrets are missing, and nothing where none is", () => {
    if (project === null) throw new Error("peach.conf.example does not compile");
    expect(greet(project.plan)).not.toContain("secret");
    expect(greet(project.plan, [], ["AUDIO_WEBHOOK_SECRET"])).toMatch(
      /secrets {2,}AUDIO_WEBHOOK_SECRET in \.dev\.vars, made now/,
    );
    expect(
      greet(project.plan, [
        { name: "GITHUB_SECRET", endpoints: ["pushed"] },
        { name: "SHARED", endpoints: ["a", "b"] },
      ]),
    ).toContain(`
Missing secrets
  GITHUB_SECRET is not set: pushed refuses every delivery. Add a line GITHUB_SECRET=... to .dev.vars, or set it in the environment.
  SHARED is not set: a, b refuse every delivery. Add a line SHARED=... to .dev.vars, or set it in the environment.
`);
  });
});
