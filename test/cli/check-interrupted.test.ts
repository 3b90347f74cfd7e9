import { expect, it } from "vitest";
import { check } from "../../src/cli/commands/check.ts";
import { compile } from "../../src/cli/commands/compile.ts";
import { runOne } from "../../src/cli/run-one.ts";
import { REPO_ROOT, withProject } from "../compiler/project.ts";
import { hostFor } from "../scripts/command-line.ts";

/** Ends the process that evaluates it, as Ctrl-C in a terminal does. */
const ENDING = "export const a = () => {};\nprocess.exit(130);\n";

/** A signal that is seen a moment after the end of a child: when the command waits for it. */
function lateSignal(): AbortSignal {
  const ending = new AbortController();
  const { signal } = ending;
  const listen = signal.addEventListener.bind(signal);
  Object.defineProperty(signal, "addEventListener", {
    value: (...args: Parameters<typeof listen>) => {
      listen(...args);
      queueMicrotask(() => ending.abort());
    },
  });
  return signal;
}

/** What a command prints that is told to end while the pipelines are evaluated. */
function printed(command: typeof check, signal?: AbortSignal): Promise<readonly [code: number, text: string]> {
  return withProject(
    { conf: "tasks:\n  t: {method: a}\n", pipelines: { "tasks.ts": ENDING } },
    async ({ confPath, pipelinesDir }, folder) => {
      const env = { PEACH_CONF: confPath, PEACH_PIPELINES: pipelinesDir };
      const { host, written } = hostFor({ env, projectRoot: REPO_ROOT, ...(signal && { signal }) });
      const args = command === compile ? ["--out", `${folder}/generated`] : [];
      const code = await runOne(command, args, host);
      return [code, Object.values(written()).join("")];
    },
  );
}

it("a check that Ctrl-C ends blames no file for it, whichever end is seen first", async () => {
  expect((await printed(check))[1]).toContain("[PEACH606]");
  expect(await printed(check, AbortSignal.abort())).toEqual([1, ""]);
  expect(await printed(check, lateSignal())).toEqual([1, ""]);
  expect(await printed(compile, lateSignal())).toEqual([1, ""]);
});
