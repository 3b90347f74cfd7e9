import { listDurableObjectIds } from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";

/** Lists the objects of an exported class. The pool lists only what `env` has, by the name that it has there. */
export async function objectIds<T extends Rpc.DurableObjectBranded | undefined>(
  className: string,
  namespace: DurableObjectNamespace<T>,
): Promise<DurableObjectId[]> {
  Reflect.set(bindings, className, namespace);
  try {
    return await listDurableObjectIds(namespace);
  } finally {
    Reflect.deleteProperty(bindings, className);
  }
}
