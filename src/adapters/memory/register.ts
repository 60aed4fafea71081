/** A register on the server in memory. */
import type { Register } from "../../runtime/ports.ts";
import { kvRegister } from "../jetstream/kv-register.ts";
import { memoryBucket } from "./bucket.ts";
import { read } from "./journal.ts";
import type { MemoryLink } from "./link.ts";

/** A register as this node sees it; the server has a bucket of this name. @param name without `KV_` */
export function memoryRegister(link: MemoryLink, name: string): Register {
  const log = link.server.log(`KV_${name}`);
  return kvRegister(name, memoryBucket(link, name), async (sequence) => {
    const { found } = await read(link, log, "bucket_read", `$KV.${name}.>`, (upTo) => {
      const message = log.next(sequence, () => true);
      return message !== undefined && message.sequence <= upTo ? message : undefined;
    });
    return found;
  });
}
