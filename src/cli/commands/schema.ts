import { confSchema } from "../../compiler/schema.ts";
import { defineCommand } from "../command.ts";

/** `peach schema`: prints the JSON Schema of peach.conf. */
export const schema = defineCommand({
  name: "schema",
  summary: "prints the JSON Schema of peach.conf, for editors",
  description: `Prints the JSON Schema (draft 7) of peach.conf, by which editors complete keys and show what they mean. Building a project writes it
to src/generated/peach.schema.json, which the first line of peach.conf names. What it cannot say is left to \`check\`.`,
  options: {},
  async run(_, host) {
    host.out(JSON.stringify(confSchema(), null, 2));
    return 0;
  },
});
