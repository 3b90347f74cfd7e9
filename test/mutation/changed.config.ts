/** The project's tests of the units and of the workers pool, over source files that have small changes built in, behind a switch. */
import { appendFileSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { z } from "zod";
import { mergeConfig } from "vitest/config";
import { BaseSequencer, type Reporter, type TestModule, type TestSpecification } from "vitest/node";
import { mutate } from "../../scripts/mutate/mutants.ts";
import config from "../../vitest.config.ts";

const names = z.array(z.string());
const { files, mutants, ended, untried, report } = z
  .object({ files: names, mutants: names, ended: names, untried: z.record(z.string(), names), report: z.string() })
  .parse(JSON.parse(readFileSync(process.env["PEACH_MUTATION"] ?? "", "utf8")));

/** A line of JSON for each change that begins, and each test and file that has ended: the rest may never come. */
const tell = (line: object): void => appendFileSync(report, `${JSON.stringify(line)}\n`);
const pathOf = (module: TestModule): string => relative(process.cwd(), module.moduleId);
/** Files whose end is not told yet. */
const open = new Set<string>();
const reporter: Reporter = {
  onTestRunStart(specifications) {
    const paths = specifications.map(({ moduleId }) => relative(process.cwd(), moduleId));
    for (const path of paths) if (!ended.includes(path)) open.add(path);
  },
  onTestCaseAnnotate(test, { type, message }) {
    const { timeout = 0 } = test.options;
    tell({ file: pathOf(test.module), title: test.fullName, [type]: message, timeout });
  },
  onTestCaseResult(test) {
    const { tried } = test.meta();
    if (tried !== undefined) tell({ file: pathOf(test.module), title: test.fullName, id: test.id, ...tried });
  },
  onTestModuleEnd(module) {
    const path = pathOf(module);
    open.delete(path);
    // A file that could not be loaded, as on a busy machine, has run none of its tests.
    tell(module.errors().length > 0 ? { unloaded: path } : { ended: path });
  },
  onTestRunEnd() {
    // Their runtime did not start.
    for (const path of open) tell({ unloaded: path });
  },
};

/** Tests of the folders that the files are in begin: they notice most. */
const folders = files.map((file) => file.replace(/^src\/(.*\/).*$/, "/test/$1"));
class NearestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const isNear = ({ moduleId }: TestSpecification): boolean => folders.some((folder) => moduleId.includes(folder));
    const left = specifications.filter(({ moduleId }) => !ended.includes(relative(process.cwd(), moduleId)));
    return left.toSorted((one, other) => Number(isNear(other)) - Number(isNear(one)));
  }
}

// What a change has left behind must not reach another file.
const projects = config.test?.projects?.map((project) =>
  typeof project === "object" && "test" in project ? { ...project, test: { ...project.test, isolate: true } } : project,
);

export default mergeConfig(
  { ...config, test: { ...config.test, projects } },
  {
    plugins: [
      {
        name: "peach-mutants",
        enforce: "pre",
        transform(code: string, id: string) {
          const file = relative(process.cwd(), id.split("?")[0] ?? "");
          return files.includes(file) ? { code: mutate(file, code).code, map: null } : undefined;
        },
      },
    ],
    test: {
      setupFiles: ["test/mutation/one-by-one.ts"],
      provide: { mutants, untried, seed: 1 },
      // As often as there is something to try: a test says when there is nothing left.
      repeats: 10_000,
      testTimeout: 10_000,
      silent: true,
      sequence: { sequencer: NearestFirst },
      // What was made of a file for other changes, or for none, is not the same.
      fsModuleCache: false,
      reporters: [reporter],
    },
  },
);
