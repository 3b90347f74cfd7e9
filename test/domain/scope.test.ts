import { describe, expect, it } from "vitest";
import { hasRight, mayTriggerTask, parseScope, type Right, type Scope } from "../../src/domain/scope.ts";

describe("a scope", () => {
  it.each(["read", "trigger", "operate", "admin", "trigger:a", "trigger:transcribe+_b-2+C"])("%s is one", (text) => {
    expect(parseScope(text)).toBe(text);
  });

  it.each([
    "",
    "owner",
    "Read",
    "read ",
    "read,trigger",
    "trigger:",
    "trigger:a+",
    "trigger:+a",
    "trigger:a b",
    "read:a",
  ])("%j is none", (text) => {
    expect(parseScope(text)).toBeNull();
  });

  it.each<[Scope, readonly Right[]]>([
    ["read", ["known", "read", "read_run"]],
    ["trigger", ["known", "read_run", "trigger"]],
    ["trigger:a", ["known", "read_run", "trigger"]],
    ["operate", ["known", "read", "read_run", "operate"]],
    ["admin", ["known", "read", "read_run", "trigger", "operate", "admin"]],
  ])("%s gives the rights %j", (scope, rights) => {
    const all: readonly Right[] = ["known", "read", "read_run", "trigger", "operate", "admin"];
    expect(all.filter((right) => hasRight([scope], right))).toEqual(rights);
    expect(all.filter((right) => hasRight([], right))).toEqual([]);
  });

  it("a scope for some tasks is for these, by their whole names, and adds up with others", () => {
    const may = (scopes: readonly Scope[]) => ["a", "b", "ab", null].filter((task) => mayTriggerTask(scopes, task));
    expect(may(["trigger:a"])).toEqual(["a"]);
    expect(may(["trigger:a+ab"])).toEqual(["a", "ab"]);
    expect(may(["trigger:a", "trigger:b", "read"])).toEqual(["a", "b"]);
    expect(may(["trigger:a", "trigger"])).toEqual(["a", "b", "ab", null]);
    expect(may(["operate", "read"])).toEqual([]);
  });
});
