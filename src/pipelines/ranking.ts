import MiniSearch from "minisearch";
import { catalogue } from "./catalogue.ts";

/** A programme and its score: higher is better. Scores are comparable within one ranking only. */
export interface Recommendation {
  readonly id: string;
  readonly title: string;
  readonly score: number;
}

/** English words without meaning for a subject. */
const STOP_WORDS = new Set(
  `a about after again all also am an and any are as at be because been before being between both
   but by can could did do does doing down during each far few for from further get go going had
   has have having he her here hers him his how i if in into is it its just know let like ll made
   make many may me more most much my no nor not now of off on once one only or other our out over
   own programme programmes re really s said same say see series she should so some such t than
   that the their them then there these they thing things this those through to too two under until
   up us ve very want was watch way we week well were what when where which while who whom why will
   with would year years yes you your`.split(/\s+/),
);

/** Words of this length or more also match longer words: `bake` finds `baker`. */
const MIN_PREFIX_LENGTH = 4;

const index = new MiniSearch({
  fields: ["title", "genre", "description"],
  storeFields: ["title"],
  processTerm: normalise,
  searchOptions: {
    boost: { title: 2, genre: 2 },
    prefix: (term) => term.length >= MIN_PREFIX_LENGTH,
  },
});
index.addAll(catalogue);

/**
 * Ranks the programmes that fit the text best, at most `limit`. Empty if the catalogue contains no
 * word of the text.
 */
export function rankProgrammes(text: string, limit: number): Recommendation[] {
  const uses = new Map<string, number>();
  for (const [word] of text.matchAll(/[\p{L}\p{N}]+/gu)) {
    const term = normalise(word);
    if (term !== null) uses.set(term, (uses.get(term) ?? 0) + 1);
  }
  if (uses.size === 0) return [];
  // A frequent word counts more, but its weight grows slower than its frequency.
  const found = index.search([...uses.keys()].join(" "), {
    boostTerm: (term) => 1 + Math.log(uses.get(term) ?? 1),
  });
  return found.slice(0, limit).map(({ id, title, score }) => ({
    id: String(id),
    title: String(title),
    score: Math.round(score * 100) / 100,
  }));
}

/**
 * Returns the word in lower case and singular (rules of Harman's s-stemmer), or null if the word is
 * ignored.
 */
function normalise(word: string): string | null {
  const term = word.toLowerCase();
  if (STOP_WORDS.has(term)) return null;
  if (/[^ea]ies$/.test(term)) return term.replace(/ies$/, "y");
  if (/[^aeo]es$/.test(term)) return term.slice(0, -1);
  return /[^us]s$/.test(term) ? term.slice(0, -1) : term;
}
