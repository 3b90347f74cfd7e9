/** Messages to drivers that never arrive: the queue takes them and nothing comes of it. */
import { env } from "./env.ts";
import { vi } from "vitest";

/** From now on (until `vi.restoreAllMocks`) every message is lost. `sent` counts them. */
export function loseMessages(): { sent(): number; stop(): void } {
  const queue: Queue = Object.getPrototypeOf(env.RUN_QUEUE);
  const answer = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  const send = vi.spyOn(queue, "send").mockResolvedValue(answer);
  const sendBatch = vi.spyOn(queue, "sendBatch").mockResolvedValue(answer);
  return {
    sent: () => sendBatch.mock.calls.reduce((sum, [messages]) => sum + [...messages].length, send.mock.calls.length),
    stop() {
      send.mockRestore();
      sendBatch.mockRestore();
    },
  };
}
