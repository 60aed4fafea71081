/** A register in a KV bucket of NATS: `nats kv ls <bucket>` shows it. Writes and reads go to the stream's leader. */
import { type Register, Unavailable } from "../../runtime/ports.ts";
import { kvRegister } from "../jetstream/kv-register.ts";
import { natsBucket } from "./bucket.ts";
import { ApiError } from "./jetstream-api.ts";
import type { NatsLink } from "./link.ts";
import { getMessage } from "./stored-message.ts";
import type { StreamDefinition } from "./stream-definitions.ts";

/**
 * The register of the stream `KV_<bucket>`, which must exist.
 * @param listed filter of the keys that `list` reads; all of them when absent
 */
export function natsRegister(link: NatsLink, definition: StreamDefinition, listed = ">"): Register {
  const stream = definition.name;
  const name = stream.slice("KV_".length);
  return kvRegister(name, natsBucket(link, definition), async (sequence) => {
    try {
      return await getMessage(link, stream, { seq: sequence, next_by_subj: `$KV.${name}.${listed}` });
    } catch (error) {
      if (error instanceof ApiError) throw new Unavailable(error.message, { cause: error });
      throw error;
    }
  });
}
