import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { servePipeline } from "./pipeline.ts";
import { hasPython, python } from "./python.ts";

const LAB = join(import.meta.dirname, "../../src/lab/pipe_algorithms_lib");
const FILES = readdirSync(LAB)
  .filter((name) => name.endsWith(".py"))
  .map((name) => join(LAB, name));

// Skipped, and counted so, where there is no python3.
describe.runIf(hasPython)("the Python module", () => {
  it("the Python module does what its own tests say, on a pipeline and where there is none", async () => {
    const pipeline = await servePipeline();
    const env = { PIPELINE_URL: pipeline.url, PIPELINE_TOKEN: pipeline.token };
    const { code, output } = await python(["-m", "unittest", "module_test", "elsewhere_test"], { env });
    expect(output).toMatch(/Ran 34 tests in .*\n\nOK\n$/);
    expect(code).toBe(0);
  });

  it("the Python module is written in the language of Python 3.9", async () => {
    const parse =
      "import ast, sys; [ast.parse(open(path).read(), path, feature_version=(3, 9)) for path in sys.argv[1:]]";
    expect(await python(["-c", parse, ...FILES])).toEqual({ code: 0, output: "" });
  });

  it("the Python module imports the standard library only", async () => {
    const list =
      "import ast, sys; trees = [ast.parse(open(path).read()) for path in sys.argv[1:]]; " +
      "nodes = [node for tree in trees for node in ast.walk(tree)]; " +
      "names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names} | " +
      "{node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}; " +
      "print(sorted({name.split('.')[0] for name in names} - set(sys.stdlib_module_names)))";
    expect(await python(["-c", list, ...FILES])).toEqual({ code: 0, output: "[]\n" });
  });
});
