#!/usr/bin/env node
// `npm create peach@latest my-pipelines` is `peach init my-pipelines`.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const peach = join(dirname(createRequire(import.meta.url).resolve("peach/package.json")), "bin", "peach.js");
const { status } = spawnSync(process.execPath, [peach, "init", ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? 1;
