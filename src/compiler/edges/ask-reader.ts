/**
 * Asks the reader process one question, and ends the process. Pipeline files may hang or exit:
 * every end of the process, also a missing answer, becomes a reason.
 */
import { fork } from "node:child_process";
import { join } from "node:path";
import { IS_CLONE, PACKAGE_ROOT } from "../project-paths.ts";
import type { Answers, Question } from "./reader-questions.ts";

/** The entry of the process: source in a clone, a built file in a package. */
const PROCESS = join(
  PACKAGE_ROOT,
  IS_CLONE ? "src/compiler/edges/reader-process.ts" : "dist/reader-process.js",
);

/** Limit of the wait for an answer. */
const PATIENCE_MS = 60_000;

/** Resolves to the answer, or to the reason for a missing answer. */
export async function askReader<Type extends keyof Answers>(
  question: Extract<Question, { readonly type: Type }>,
): Promise<
  | { readonly ok: true; readonly answer: Answers[Type] }
  | { readonly ok: false; readonly why: string }
> {
  // Errors of evaluated files then lead to their sources.
  const execArgv = ["--enable-source-maps"];
  const child = fork(PROCESS, { serialization: "advanced", stdio: "ignore", execArgv });
  const { promise, resolve } = Promise.withResolvers<
    | { readonly ok: true; readonly answer: Answers[Type] }
    | { readonly ok: false; readonly why: string }
  >();
  const timer = setTimeout(
    () => resolve({ ok: false, why: "the files were not evaluated in time" }),
    PATIENCE_MS,
  );
  child.on("message", (answer: Answers[Type]) => resolve({ ok: true, answer }));
  child.on("error", (error) => resolve({ ok: false, why: String(error) }));
  child.on("exit", () => resolve({ ok: false, why: "a file ended the process that evaluated it" }));
  child.send(question);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.kill();
  }
}
