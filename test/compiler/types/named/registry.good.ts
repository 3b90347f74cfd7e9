import type { MethodRegistry } from "../../../../src/execution/author/method.ts";
import { article_hook, store, teaser, top_words, translate } from "../project/pipelines/tasks.ts";

// As the generated registry has them: also a task that knows its own neighbours.
export const tasks: MethodRegistry["tasks"] = { store, teaser, top_words, translate };
export const endpoints: MethodRegistry["endpoints"] = { article_hook };
