import { Validator } from "@cfworker/json-schema";
import { parse } from "yaml";
import { confSchema } from "../../src/compiler/schema.ts";

const validator = new Validator(JSON.parse(JSON.stringify(confSchema())), "7", false);

/** What an editor with the JSON Schema marks in a conf; empty if nothing. */
export function markedIn(conf: string): string[] {
  const { errors } = validator.validate(parse(conf, { merge: true }));
  return errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}
