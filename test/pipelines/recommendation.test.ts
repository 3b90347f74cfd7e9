import { describe, expect, it } from "vitest";
import type { EndpointContext } from "../../src/execution/author/api.ts";
import { catalogue } from "../../src/pipelines/catalogue.ts";
import { rankProgrammes } from "../../src/pipelines/ranking.ts";
import { by_transcript, editors_choice, one_of_each_genre, recommend } from "../../src/pipelines/recommendation.ts";
import type { Transcript } from "../../src/pipelines/transcript.ts";
import { runTask } from "../../src/testing/testing.ts";

const GLACIER =
  "The glaciers of the Alps lose more ice every summer. Climate researchers drill into the glacier and measure the meltwater.";

const texts: readonly (readonly [string, string, readonly string[]])[] = [
  ["glaciers", GLACIER, ["climate", "climate"]],
  [
    "football",
    "What a goal! The striker passed two defenders; the coach praised the tactics and the penalty.",
    ["sport", "sport"],
  ],
  [
    "jazz",
    "She plays the trumpet, he walks on the double bass: an evening of jazz and improvisation.",
    ["music", "music"],
  ],
  ["parliament", "The minister lost the vote in parliament after a long debate about the amendment.", ["politics"]],
  ["cooking", "Knead the dough with flour and water, bake it in the oven: a recipe for bread.", ["cooking", "cooking"]],
  ["space", "The astronauts landed on the moon, and the rocket returned from its orbit.", ["space"]],
  ["crime", "The detective found the murder weapon, and the suspect called the police.", ["drama", "drama"]],
];

describe("the catalogue", () => {
  it("the catalogue has some fifty programmes with ids of their own", () => {
    expect(catalogue.length).toBeGreaterThanOrEqual(50);
    expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
  });
});

describe("ranking", () => {
  it.each(texts)("a text about %s finds programmes of that genre first", (_, text, genres) => {
    const found = rankProgrammes(text, genres.length).map(
      ({ id }) => catalogue.find((programme) => programme.id === id)?.genre,
    );
    expect(found).toEqual(genres);
  });

  it("ranking gives falling scores, and no more programmes than the limit", () => {
    const scores = rankProgrammes(GLACIER, 4).map(({ score }) => score);
    expect(scores).toHaveLength(4);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it.each(["", "and then it was the", "Der Vater ging nach Hause", "?! ...", "constructor __proto__"])(
    "%j finds nothing",
    (text) => {
      expect(rankProgrammes(text, 5)).toEqual([]);
    },
  );

  it("what is said between the words of a subject changes nothing", () => {
    const [best] = rankProgrammes(`${"and so we said that it was very much like this. ".repeat(200)} ${GLACIER}`, 1);
    expect(best?.id).toBe("melting-point");
  });
});

describe("recommend", () => {
  it("recommend stores what it passes under the audio's key and as the latest", async () => {
    const kv = new MemoryKv();
    const passed = await runRecommend(kv, "audio/glacier.mp3", GLACIER);
    expect(passed).toMatchObject({
      audio: { bucket: "uploads", key: "audio/glacier.mp3" },
      transcript_excerpt: GLACIER,
      recommendations: expect.arrayContaining([
        { id: "melting-point", title: "Melting Point", score: expect.any(Number) },
      ]),
    });
    const value = { recommendations: expect.arrayContaining([expect.objectContaining({ id: "melting-point" })]) };
    const served_by = { run_id: expect.any(String), task: expect.any(String), at: expect.any(String) };
    for (const params of [{ audio: "audio/glacier.mp3", limit: 20 }, { limit: 20 }])
      expect(JSON.parse(JSON.stringify(await read(kv, params)))).toEqual({ served_by, value });
  });

  it("recommend stores for strangers nothing of what was said, nor the name of the audio", async () => {
    const kv = new MemoryKv();
    await runRecommend(kv, "audio/board-meeting.mp3", `The merger price is forty two million. ${GLACIER}`);
    for (const audio of [undefined, "audio/board-meeting.mp3"])
      expect(JSON.stringify(await read(kv, { ...(audio && { audio }), limit: 5 }))).not.toMatch(
        /merger|board-meeting|glaciers of/,
      );
  });

  it("recommend quotes the beginning of a long text, to a whole word", async () => {
    const passed = await runRecommend(new MemoryKv(), "audio/long.mp3", "glacier ".repeat(100));
    expect(passed).toMatchObject({ transcript_excerpt: expect.stringMatching(/^(glacier ){29,30}…$/) });
  });

  it("recommend takes audio keys that are longer than KV's, and one that is named latest", async () => {
    const kv = new MemoryKv();
    const long = `audio/${"ü".repeat(500)}.mp3`;
    await runRecommend(kv, long, GLACIER);
    await runRecommend(kv, "other.mp3", "jazz");
    const [best] = rankProgrammes(GLACIER, 1);
    expect(await read(kv, { audio: long, limit: 5 })).toMatchObject({
      value: { recommendations: expect.arrayContaining([best]) },
    });
    await expect(read(kv, { audio: "latest", limit: 5 })).rejects.toThrow("there is no list yet");
  });
});

describe("the components of the recommendations", () => {
  it("the components serve as many as they are asked for", async () => {
    const kv = new MemoryKv();
    await runRecommend(kv, "a.mp3", `${GLACIER} goal jazz parliament bread moon detective children train`);
    for (const component of [by_transcript, one_of_each_genre])
      expect(await read(kv, { limit: 2 }, component)).toMatchObject({ value: { recommendations: { length: 2 } } });
  });

  it("the latest is what came last", async () => {
    const kv = new MemoryKv();
    await runRecommend(kv, "a.mp3", GLACIER);
    await runRecommend(kv, "b.mp3", "jazz");
    const [glacier, jazz] = [GLACIER, "jazz"].map((text) => ({ value: { recommendations: rankProgrammes(text, 5) } }));
    expect(await read(kv, { limit: 5 })).toMatchObject(jazz ?? {});
    expect(await read(kv, { audio: "a.mp3", limit: 5 })).toMatchObject(glacier ?? {});
  });

  it("the varied component serves the best programme of each genre, best first", async () => {
    const kv = new MemoryKv();
    await runRecommend(kv, "a.mp3", `${GLACIER} An evening of jazz.`);
    const { value } = await read(kv, { limit: 20 }, one_of_each_genre);
    const genres = value.recommendations.map(({ id }) => catalogue.find((each) => each.id === id)?.genre);
    expect(genres).toEqual(expect.arrayContaining(["climate", "music"]));
    expect(value.recommendations[0]?.id).toBe("melting-point");
    expect(new Set(genres).size).toBe(genres.length);
  });

  it.each([undefined, "audio/none.mp3"])("a component fails where there is no list for %j", async (audio) => {
    await expect(read(new MemoryKv(), { ...(audio && { audio }), limit: 5 })).rejects.toThrow("upload an .mp3");
  });

  it("the editors' choice needs no store", () => {
    expect(editors_choice({ limit: 3 }).recommendations.map(({ id }) => id)).toEqual(
      catalogue.slice(0, 3).map(({ id }) => id),
    );
  });
});

/** As much of KV as the pipeline uses, with KV's limit for keys. */
class MemoryKv {
  readonly #values = new Map<string, string>();

  async put(key: string, value: string): Promise<void> {
    if (new TextEncoder().encode(key).length > 512)
      throw new Error("KV PUT failed: 414 UTF-8 encoded length exceeds 512");
    this.#values.set(key, value);
  }

  async get(key: string): Promise<unknown> {
    return JSON.parse(this.#values.get(key) ?? "null");
  }
}

function contextOf(kv: MemoryKv): { readonly env: Env; readonly log: EndpointContext["log"] } {
  const nothing = (): void => undefined;
  return {
    env: Object.assign(Object.create(null), { RECOMMENDATIONS: kv }),
    log: { info: nothing, warn: nothing, error: nothing },
  };
}

async function runRecommend(kv: MemoryKv, key: string, text: string): Promise<unknown> {
  const transcript: Transcript = { audio: { bucket: "uploads", key }, language: "en", text, segments: [] };
  const answer = await runTask(recommend, transcript, { env: { RECOMMENDATIONS: kv } });
  if (answer.error !== null) throw answer.error;
  return answer.passed;
}

async function read(
  kv: MemoryKv,
  params: { audio?: string; limit: number },
  component: typeof by_transcript = by_transcript,
): ReturnType<typeof by_transcript> {
  return component(params, Object.assign(Object.create(null), contextOf(kv)));
}
