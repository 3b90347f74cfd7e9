/** The deployed worker, named by `main` in wrangler.toml. A release of Peach changes nothing here. */
import { createPeach } from "peach/worker";
import { methods, plan } from "./generated/project.ts";

export * from "peach/worker";
export default createPeach({ plan, methods });
