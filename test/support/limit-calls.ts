/** What a run calls the limits for. */
import type { Play } from "./run-play.ts";

/** The calls to limits that the last event led to, in short. */
export function limitCalls(play: Play): string[] {
  return play.last.effects.flatMap((effect) => {
    switch (effect.type) {
      case "acquire_slot":
        return [`ask ${effect.limit.kind} for attempt ${effect.request.holder.attempt}`];
      case "release_slot":
        return [
          `give ${effect.limit.kind} of attempt ${effect.holder.attempt} back${effect.afterMs > 0 ? ` after ${effect.afterMs}` : ""}`,
        ];
      case "consume_permit":
        return [`spend ${effect.limit.kind} of attempt ${effect.holder.attempt}`];
      case "dispatch":
      case "start_executor":
      case "note_death":
      case "finished":
      case "await_resume":
      case "deliver":
      case "park":
      case "unnotified":
      case "subscribe":
      case "notify":
        return [];
    }
  });
}
