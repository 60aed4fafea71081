/** Nodes on one server in memory, with resources that only record their calls. */
import { UnreadableEntries } from "../../../../src/runtime/unreadable.ts";
import { firstOf } from "../../../support/faults/first-fault.ts";
import { subjects } from "../../../../src/services/subjects.ts";
import { type ProcessClock, VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { type MemoryNode, memoryNode } from "../../../../src/adapters/memory/connection.ts";
import { type Fault, MemoryServer, type Operation } from "../../../../src/adapters/memory/server.ts";
import type { LockEntry } from "../../../../src/runtime/cluster/lock-entry.ts";
import { Ownership } from "../../../../src/runtime/cluster/ownership.ts";
import type { Journal } from "../../../../src/runtime/ports.ts";
import { Placement } from "../../../../src/runtime/cluster/placement.ts";
import { Presence } from "../../../../src/runtime/cluster/presence.ts";
import type { OwnedResource } from "../../../../src/runtime/cluster/owned-resource.ts";
import { silent } from "../commit/relay-stage.ts";
import { unclaimedEntry } from "./unclaimed-entry.ts";

export class FakeResource implements OwnedResource {
  readonly name: string;
  readonly lock: string;
  readonly journal: Journal;
  /** `acquire 12`, `revoke`, `drain`, in order. */
  readonly calls: string[] = [];
  /** What the next calls of `acquire` do; without an entry they succeed at once. */
  readonly acquisitions: (() => Promise<void>)[] = [];
  draining: Promise<void> = Promise.resolve();
  /** Acquired and neither revoked nor drained since. */
  open = false;

  constructor(name: string, journal: Journal) {
    this.name = name;
    this.lock = subjects.lock(name);
    this.journal = journal;
  }

  async acquire(epoch: number): Promise<void> {
    this.calls.push(`acquire ${epoch}`);
    this.open = true;
    await this.acquisitions.shift()?.();
  }

  revoke(): void {
    this.calls.push("revoke");
    this.open = false;
  }

  async drain(): Promise<void> {
    this.calls.push("drain");
    await this.draining;
    this.open = false;
  }
}

export type OwnershipNode = MemoryNode & {
  readonly name: string;
  readonly boot: string;
  readonly clock: ProcessClock;
  readonly presence: Presence;
  readonly placement: Placement;
  readonly ownership: Ownership;
  readonly resources: readonly FakeResource[];
  /** The process dies. */
  kill(): void;
};

const TTL_MS = 2000;
const REFRESH_MS = 500;

export function ownershipStage(names: readonly string[]) {
  const clock = new VirtualClock();
  const faults: ((operation: Operation) => Fault | undefined)[] = [];
  const server = new MemoryServer({
    subjects,
    clock,
    latencyMs: () => 1,
    bucketAgeMs: { NODES: TTL_MS },
    faults: firstOf(faults),
  });
  const log = server.log("KV_ORDERS");
  let ids = 0;
  let boots = 0;
  /** By node, resources that it cannot host. */
  const unfit = new Map<string, readonly string[]>();

  return {
    clock,
    server,
    faults,
    unfit,
    /** Starts a node; time passes until it runs. */
    async node(
      name: string,
      wrap: (journal: Journal) => Journal = (journal) => journal,
    ): Promise<OwnershipNode> {
      const own = clock.process();
      const ports = memoryNode(server, name, own);
      const boot = `boot${++boots}`;
      const journal = wrap(ports.journal);
      const resources = names.map((resource) => new FakeResource(resource, journal));
      const placement = new Placement(own, () => presence.refreshSoon());
      const presence: Presence = new Presence({
        node: name,
        nodes: ports.nodes,
        identity: unclaimedEntry(name, ports.nodes),
        clock: own,
        log: silent,
        unreadable: new UnreadableEntries(silent),
        ttlMs: TTL_MS,
        refreshMs: REFRESH_MS,
        entry: () => ({
          id: name,
          boot,
          startedAt: 0,
          unfit: unfit.get(name) ?? [],
          ...placement.details(
            new Set(ownership.owners().flatMap((own) => (own.node === name ? own.resource : []))),
          ),
        }),
        onChange: () => ownership.review(),
        onRegained: () => ownership.verifyLocks(),
      });
      const ownership = new Ownership({
        subjects,
        clock: own,
        ids: { next: () => `id${++ids}` },
        log: silent,
        presence,
        node: name,
        boot,
        resources,
        commitTimeoutMs: 100,
      });
      let standing = false;
      const start = async (): Promise<void> => {
        await presence.start();
        await ownership.start();
        await presence.announce();
        standing = true;
      };
      void start();
      if (!(await clock.advanceUntil(() => standing, 10_000))) throw new Error(`${name} did not start`);
      const kill = (): void => {
        own.end();
        ports.link.disconnect();
      };
      return { ...ports, name, boot, clock: own, presence, placement, ownership, resources, kill };
    },
    async until(reason: string, condition: () => boolean, limitMs = 30_000): Promise<void> {
      if (!(await clock.advanceUntil(condition, limitMs))) throw new Error(`never happened: ${reason}`);
    },
    entry(resource: string): LockEntry | undefined {
      const stored = log.last(subjects.lock(resource));
      return stored && (JSON.parse(stored.payload) as LockEntry);
    },
    revision: (resource: string): number => log.last(subjects.lock(resource))?.sequence ?? 0,
    history: (resource: string): LockEntry[] =>
      log.all(subjects.lock(resource)).map((message) => JSON.parse(message.payload) as LockEntry),
    /** Writes the lock entry, whatever it contains, as another node. */
    write(resource: string, entry: LockEntry): number {
      log.propose([{ subject: subjects.lock(resource), payload: JSON.stringify(entry) }], () => {});
      return log.lastSequence;
    },
  };
}
