import { describe, expect, it } from "vitest";
import { NO_FILTERS } from "../../src/dashboard/routes.ts";
import { matchesPayload, parseSearch, searchText } from "../../src/dashboard/search.ts";

describe("the search field", () => {
  it("the search field reads words, quotes and conditions, and writes them again", () => {
    const text =
      'task:encode status:waiting,failed since:24h error:"no \\"space\\" left" tag:lang:de tag:"two words" late:true payload.film.id=7';
    const { filters, problem, runId } = parseSearch(text);
    expect({ problem, runId }).toEqual({ problem: null, runId: null });
    expect(filters).toEqual({
      ...NO_FILTERS,
      task: "encode",
      statuses: ["waiting", "failed"],
      span: "24h",
      error: 'no "space" left',
      tags: ["lang:de", "two words"],
      late: true,
      payload: ["film.id=7"],
    });
    expect(parseSearch(searchText(filters)).filters).toEqual(filters);
  });

  it("the search field looks for a plain text in the errors, also for one that looks like a word", () => {
    expect(parseSearch("film-3 http://a.example").filters.error).toBe("film-3 http://a.example");
    expect(parseSearch(" run_01abc ").runId).toBe("run_01abc");
  });

  it.each(["two\nlines", "tab\t", "back\\slash", '"quoted" \u001B\u202E', "\\n", " ", "a:b=c"])(
    "the search field keeps the value %j",
    (value) => {
      const filters = {
        ...NO_FILTERS,
        task: "a",
        failure: `Error: ${value}`,
        tags: [value],
        payload: [`a.b=${value}`],
      };
      expect(parseSearch(searchText(filters)).filters).toEqual(filters);
    },
  );

  it("the search field takes an open quote as one up to the end", () => {
    expect(parseSearch('status:failed error:"no space').filters).toMatchObject({
      statuses: ["failed"],
      error: "no space",
    });
    expect(parseSearch('"no space').filters.error).toBe("no space");
  });

  it.each([
    ["status:done", "A status is one of"],
    ["source:fax", "A source is one of"],
    ["since:1y", "since: takes 1h"],
    ["task:billing tag:", "tag: needs a value"],
    ['error:"', "error: needs a value"],
    ["late:very", "late: takes true or false"],
    ["key:film-3", "A key belongs to a task"],
  ])("the search field says what is wrong with %s", (text, problem) => {
    expect(parseSearch(text).problem).toContain(problem);
  });

  it.each([
    [["film.id=7"], true],
    [["film.id=7", "tags[1]=B"], true],
    [["film.id=8"], false],
    [["film.name=x"], false],
    [['film={"id":7}'], true],
  ])("the search field compares a payload with %j", (conditions, matches) => {
    expect(matchesPayload({ film: { id: 7 }, tags: ["a", "b"] }, conditions)).toBe(matches);
  });
});
