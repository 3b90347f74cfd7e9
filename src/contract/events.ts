/** Runs that an event started. */
import * as z from "zod";
import { named } from "./named.ts";
import { runReferenceSchema } from "./values.ts";

/** Runs that an event started. */
export const emittedEventSchema = named(
  "EmittedEvent",
  z.object({ runs: z.array(runReferenceSchema) }),
);
