/** The types of a lint rule. The linter exports the types only through the tester. */
import type { RuleTester } from "oxlint/plugins-dev";

type Rule = Exclude<Parameters<RuleTester["run"]>[1], { createOnce: unknown }>;
export type Context = Parameters<Rule["create"]>[0];
export type Visitor = ReturnType<Rule["create"]>;
