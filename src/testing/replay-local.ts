/**
 * The program behind `peach replay RUN --local`. A separate process lets a debugger wait for the
 * start. The arguments are the file of the recording, and optionally the only task to run.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseEnv } from "node:util";
import { findProjectRoot } from "../compiler/project-paths.ts";
import { readRecordedRun } from "./recorded-run.ts";
import { repeatRun } from "./repeat-run.ts";

const [file = "", task] = process.argv.slice(2);
const recorded = readRecordedRun(file);
const varsPath = join(findProjectRoot(), ".dev.vars");
const vars = existsSync(varsPath) ? parseEnv(readFileSync(varsPath, "utf8")) : {};
const env = Object.fromEntries(
  Object.entries(vars).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
);
const { tasks, logs, differences } = await repeatRun(recorded, { task, env });
for (const { task: name, level, message, fields } of logs)
  console.log(
    `${name} ${level.padEnd(5)} ${message}${fields === null ? "" : ` ${JSON.stringify(fields)}`}`,
  );
for (const { name, status, error } of tasks)
  if (task === undefined || name === task) {
    const why = error === null || status !== "failed" ? "" : `: ${error.name}: ${error.message}`;
    console.log(`${name} ${status}${why}`);
    if (why !== "" && error?.stack) console.log(error.stack.split("\n").slice(1).join("\n"));
  }
for (const { task: name, path, recorded: before, now } of differences)
  console.log(
    `\n${name}${path === "" ? "" : ` ${path}`}\n  recorded  ${before}\n  now       ${now}`,
  );
console.log(
  differences.length === 0
    ? `\nnothing differs from ${recorded.run_id}`
    : `\n${differences.length} differences from ${recorded.run_id}`,
);
process.exitCode = differences.length === 0 ? 0 : 1;
