import { log, task } from "peach/task-helpers";
import { z } from "zod";

export async function echo(payload: unknown): Promise<unknown> {
  log.info("echoed", { type: typeof payload });
  return payload;
}

export const typed = task({ input: z.unknown().refine((value) => value === null), run: async () => "null" });

export function answer(request: Request): unknown {
  return { method: request.method };
}
