import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkProject, writeProject } from "../../src/compiler/compile.ts";
import { renderDiagnostic } from "../../src/compiler/diagnostic.ts";
import { planOf, problemsOf, withProject } from "./project.ts";

const CONF = `
endpoints:
  recommendations:
    url: /recommendations
    params: {user: {type: string, required: true}, limit: {type: integer, default: 10, minimum: 1, maximum: 50}, kids: boolean, language: {type: string, enum: [de, fr]}}
    split: {by: user, param: user}
    components:
      history: {method: a, weight: 80, timeout: 200ms}
      popular: {method: b, weight: 20}
    fallback: c
    cache: 60s
`;

/** The problems of an endpoint with these lines. */
function problemsWith(...lines: readonly string[]): Promise<string> {
  return problemsOf(`endpoints:\n  rec:\n${lines.map((line) => `    ${line}\n`).join("")}`);
}

describe("a recommendation endpoint", () => {
  it("a recommendation endpoint is planned with its parameters, its split and its components", async () => {
    const { endpoints } = await planOf(CONF);
    expect(endpoints).toMatchObject([
      {
        name: "recommendations",
        method: null,
        methods: ["GET"],
        url: "/recommendations",
        fallback: "c",
        timeoutMs: 1_000,
        recommendation: {
          split: { by: "user", param: "user" },
          cacheMs: 60_000,
          components: [
            { name: "history", method: "a", weight: 80, timeoutMs: 200 },
            { name: "popular", method: "b", weight: 20, timeoutMs: 1_000 },
          ],
          params: [
            { name: "user", type: "string", required: true, default: null },
            { name: "limit", type: "integer", required: false, default: 10, minimum: 1, maximum: 50 },
            { name: "kids", type: "boolean", required: false, default: null },
            { name: "language", type: "string", enum: ["de", "fr"] },
          ],
        },
      },
    ]);
  });

  it("a recommendation endpoint is split at random, has the weight 1 and no cache, and no parameters, unless it says so", async () => {
    const { endpoints } = await planOf("endpoints: {rec: {components: {only: a}}}");
    expect(endpoints[0]?.recommendation).toEqual({
      params: [],
      split: { by: "request" },
      components: [{ name: "only", method: "a", weight: 1, timeoutMs: 1_000 }],
      cacheMs: null,
    });
  });

  it("a recommendation endpoint gives its components and its fallback to the registry, and the types of its parameters to their authors", async () => {
    const folder = mkdtempSync(join(tmpdir(), "peach-out-"));
    try {
      await withProject({ conf: CONF }, (paths) => {
        const project = checkProject(paths);
        if (project.compiled === null) throw new Error(project.diagnostics.map(renderDiagnostic).join("\n"));
        writeProject(project, project.compiled, folder);
      });
      expect(readFileSync(join(folder, "registry.ts"), "utf8")).toContain(`  endpoints: {
  },
  components: {
    "a": component0,
    "b": component1,
    "c": component2,
  },`);
      expect(readFileSync(join(folder, "recommendations.d.ts"), "utf8")).toContain(
        `    "recommendations": { readonly "user": string; readonly "limit": number; readonly "kids"?: boolean; readonly "language"?: "de" | "fr"; };\n`,
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a recommendation endpoint is refused", () => {
  it("a recommendation endpoint is refused with every mistake at its place", async () => {
    const problems = await problemsWith(
      "method: a",
      "url: /rec/:item",
      "auth: {signature: github, secret: S}",
      "params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}",
      "split: {by: usr}",
      "components: {fallback: {method: nowhere, weight: -1}, history: {method: a, weight: 0, timeout: 1m}, popular: {weight: 0}}",
      "cache: 60",
    );
    expect(problems).toMatchInlineSnapshot(`
      "peach.conf:3:5: endpoints.rec.method: an endpoint has either \`method\` or \`components\` [PEACH107]
        3 |     method: a
          |     ^^^^^^
        hint: remove \`method\`: one of the components answers each request

      peach.conf:4:10: endpoints.rec.url: \`:item\` is not one of \`params\` [PEACH410]
        4 |     url: /rec/:item
          |          ^^^^^^^^^^
        hint: declare it, such as params: {item: string}

      peach.conf:5:11: endpoints.rec.auth: a recommendation endpoint reads its query, which no signature covers [PEACH407]
        5 |     auth: {signature: github, secret: S}
          |           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        hint: write \`auth: token\`, or \`auth: none\`

      peach.conf:6:27: endpoints.rec.params.user.type: expected one of string, integer, number, boolean, given text [PEACH106]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                           ^^^^

      peach.conf:6:66: endpoints.rec.params.limit.default: expected a value that a request may have, given 60 [PEACH115]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                  ^^
        hint: the default must be at most 50

      peach.conf:6:83: endpoints.rec.params.limit.pattern: \`pattern\` is for the type string [PEACH107]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                   ^^^^^^^
        hint: remove it, or change \`type\`

      peach.conf:6:96: endpoints.rec.params.debug: Peach itself reads \`?debug=\` [PEACH409]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                ^^^^^
        hint: give the parameter another name

      peach.conf:6:112: endpoints.rec.params.a b: this is no name of a parameter [PEACH108]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                                ^^^
        hint: a name begins with a letter or _, and has letters, digits, _ and -

      peach.conf:6:156: endpoints.rec.params.page.minimum: expected a number of at most \`maximum\`, given 3 [PEACH115]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                                                                            ^

      peach.conf:6:200: endpoints.rec.params.kind.enum[0]: expected a text, in quotes if it looks like a number, given 1 [PEACH115]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                                                                                                                        ^

      peach.conf:6:220: endpoints.rec.params.kind.default: a required parameter has no use for a default [PEACH107]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                                                                                                                                            ^^^^^^^
        hint: remove one of the two: a request without the parameter is refused, or gets the default

      peach.conf:6:229: endpoints.rec.params.kind.default: expected a value that a request may have, given x [PEACH115]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                                                                                                                                                     ^
        hint: the default must be one of 1

      peach.conf:6:261: endpoints.rec.params.re.pattern: expected a regular expression of JavaScript, given '(' [PEACH115]
        6 |     params: {user: {type: text}, limit: {type: integer, default: 60, maximum: 50, pattern: x}, debug: boolean, a b: string, page: {type: integer, minimum: 3, maximum: 2}, kind: {type: string, enum: [1], required: true, default: x}, re: {type: string, pattern: '('}}
          |                                                                                                                                                                                                                                                                     ^^^

      peach.conf:7:17: endpoints.rec.split.by: expected one of user, client, session, request, given usr [PEACH106]
        7 |     split: {by: usr}
          |                 ^^^
        hint: did you mean user?

      peach.conf:8:18: endpoints.rec.components.fallback: \`fallback\` stands for the fallback where clicks are counted [PEACH409]
        8 |     components: {fallback: {method: nowhere, weight: -1}, history: {method: a, weight: 0, timeout: 1m}, popular: {weight: 0}}
          |                  ^^^^^^^^
        hint: give the component another name

      peach.conf:8:37: endpoints.rec.components.fallback.method: no file under pipelines exports \`nowhere\` [PEACH301]
        8 |     components: {fallback: {method: nowhere, weight: -1}, history: {method: a, weight: 0, timeout: 1m}, popular: {weight: 0}}
          |                                     ^^^^^^^
        hint: exported: a, b, c, d, e, handle

      peach.conf:8:54: endpoints.rec.components.fallback.weight: expected a number from 0 to 1000000, given -1 [PEACH105]
        8 |     components: {fallback: {method: nowhere, weight: -1}, history: {method: a, weight: 0, timeout: 1m}, popular: {weight: 0}}
          |                                                      ^^

      peach.conf:8:100: endpoints.rec.components.history.timeout: expected a duration of at most 30s, given 1m [PEACH105]
        8 |     components: {fallback: {method: nowhere, weight: -1}, history: {method: a, weight: 0, timeout: 1m}, popular: {weight: 0}}
          |                                                                                                    ^^
        hint: a recommendation is served while a page loads; let a task compute it ahead

      peach.conf:8:105: endpoints.rec.components.popular: \`method\` is missing [PEACH102]
        8 |     components: {fallback: {method: nowhere, weight: -1}, history: {method: a, weight: 0, timeout: 1m}, popular: {weight: 0}}
          |                                                                                                         ^^^^^^^
        hint: write \`method: NAME\`: the function that a file under src/pipelines exports

      peach.conf:9:12: endpoints.rec.cache: expected a duration such as 250ms, 30s, 5m, 2h or 7d, given 60 [PEACH104]
        9 |     cache: 60
          |            ^^
        hint: did you mean 60s?"
    `);
  });

  it.each([
    ["a split by user without its parameter", ["components: {x: a}", "params: {user: string}", "split: {by: user}"]],
    [
      "a split by an unknown parameter",
      ["components: {x: a}", "params: {user_id: string}", "split: {by: user, param: user}"],
    ],
    [
      "a split by a parameter that tells no users apart",
      ["components: {x: a}", "params: {kids: boolean}", "split: {by: user, param: kids}"],
    ],
    [
      "a parameter of a split that has none",
      ["components: {x: a}", "params: {user: string}", "split: {by: client, param: user}"],
    ],
    ["weights that are all 0", ["components: {x: {method: a, weight: 0}, y: {method: b, weight: 0}}"]],
    ["no component", ["components: {}"]],
    ["a module that does not exist", ["components: {x: a, y: b}", "module: elsewhere", "fallback: c"]],
    ["keys without components", ["method: a", "params: {user: string}", "split: {by: request}", "cache: 1m"]],
    ["neither method nor components", ["url: /x"]],
  ])("a recommendation endpoint is refused for %s", async (_what, lines) => {
    await expect(await problemsWith(...lines)).toMatchFileSnapshot(`recommendations/${_what.replaceAll(" ", "-")}.txt`);
  });

  it("a recommendation endpoint has no further problems where its components themselves are wrong", async () => {
    expect((await problemsWith("components: 3", "params: {user: string}")).match(/^peach.conf/gm)).toHaveLength(1);
  });
});

it("a split by cookies is warned of where every page may call", async () => {
  const conf = "endpoints:\n  rec:\n    components: {x: a}\n    split: {by: client}\n    cors: {origins: '*'}\n";
  const warnings = await withProject({ conf }, (paths, folder) =>
    checkProject(paths).warnings.map(renderDiagnostic).join("\n").replaceAll(`${folder}/`, ""),
  );
  expect(warnings).toContain("peach.conf:5:21: endpoints.rec.cors: pages of `*` send no cookies");
});
