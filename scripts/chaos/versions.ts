/**
 * Two versions of the pipelines. Each start after a planned kill deploys the other version: every
 * run that survives the kill continues under a version that did not accept the run. Each version
 * has tasks that the other lacks; a method, a lane, a limit and a dispatch mode differ. The
 * required ends of runs are the same in both.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";

/** Writes the second version into this folder. Returns the paths of both. */
export function versionsOfConf(folder: string): [string, string] {
  const first = join(import.meta.dirname, "peach.conf");
  const second = join(folder, "peach.second.conf");
  writeFileSync(second, secondVersion(readFileSync(first, "utf8")));
  return [first, second];
}

/** The text of the second version of peach.conf. */
function secondVersion(text: string): string {
  const conf = parseDocument(text);
  conf.setIn(["tasks", "novel"], { method: "plain", downstream: "novel_end" });
  conf.setIn(["tasks", "novel_end"], { method: "plain_again" });
  // A run of the first version still finds the method: every exported function is deployed.
  for (const task of ["former", "former_2", "former_end"]) conf.deleteIn(["tasks", task]);
  conf.setIn(["tasks", "fan_join", "method"], "plain_again");
  conf.setIn(["tasks", "long", "timeout"], "9s");
  conf.setIn(["tasks", "limited_2", "concurrency"], 1);
  conf.setIn(["tasks", "direct", "dispatch"], "queue");
  return conf.toString();
}
