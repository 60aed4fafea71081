/** Processes of node `one` on the server in memory: each claims the id, refreshes its entry, and answers for the id. */
import { memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { Identity } from "../../../../src/runtime/cluster/identity.ts";
import type { IdentityTaken } from "../../../../src/runtime/cluster/identity-taken.ts";
import { readEntry } from "../../../../src/runtime/cluster/presence.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { firstOf } from "../../../support/faults/first-fault.ts";
import { outcomeOf } from "../../../support/outcome-of.ts";

export const TTL_MS = 3000;
export const REFRESH_MS = 500;
const KEY = subjects.buckets.nodes;

export function identityStage() {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    latencyMs: () => 1,
    bucketAgeMs: { [KEY]: TTL_MS },
    faults: firstOf(faults),
  });
  const log = server.log(`KV_${KEY}`);
  /** Drives the clock until the promise ends. @returns its error, or undefined */
  const outcome = (promise: Promise<unknown>) => outcomeOf(clock, promise);
  return {
    clock,
    server,
    faults,
    log,
    outcome,
    /** The boot that has the id as the server knows it. */
    holder: (): string | undefined => {
      const payload = log.last(`$KV.${KEY}.one`)?.payload;
      return payload === undefined || payload === ""
        ? undefined
        : (JSON.parse(payload) as { boot: string }).boot;
    },
    /** A process of node `one`. @param isBlind it receives no changes of the bucket */
    process(boot: string, isBlind = false) {
      const own = clock.process();
      const ports = memoryNode(server, boot, own);
      const taken: IdentityTaken[] = [];
      const identity = new Identity({
        subjects,
        node: "one",
        boot,
        nodes: ports.nodes,
        bus: ports.bus,
        clock: own,
        ttlMs: TTL_MS,
        onTaken: (error) => taken.push(error),
      });
      let leaving = false;
      const entry = (): string =>
        JSON.stringify({
          id: "one",
          boot,
          startedAt: 0,
          url: `http://${boot}`,
          pid: 42,
          ...(leaving ? { leaving } : {}),
        });
      let serving: Promise<{ stop(): Promise<void> }> | undefined;
      const beat = (): void => {
        own.after(REFRESH_MS, () => {
          if (identity.isTaken()) return;
          void identity.renew(entry()).catch(() => {});
          beat();
        });
      };
      const start = async (): Promise<void> => {
        await ports.nodes.watch(({ value, revision }) => {
          const seen = value === undefined ? undefined : readEntry(value);
          if (seen && !isBlind) identity.saw(seen, revision);
        });
        await identity.vacant();
        serving = ports.bus.serve(subjects.ping("one"), () => Promise.resolve(boot));
        await identity.claim(entry());
        beat();
      };
      return {
        boot,
        clock: own,
        link: ports.link,
        identity,
        taken,
        entry,
        beginStart: start,
        start: () => outcome(start()),
        leave: () => {
          leaving = true;
          return outcome(identity.renew(entry()));
        },
        stop: async () => {
          await outcome(identity.release());
          own.end();
          ports.link.disconnect();
          await serving;
        },
        kill: () => {
          own.end();
          ports.link.disconnect();
        },
      };
    },
  };
}
