/**
 * Claims, keeps and hands over the locks of this node's share of the resources.
 * Owns: the lock entries that name this process.  Does not own: what a node does under a lock (OwnedResource).
 * Invariants
 *   ownership.O1. A resource is acquired only with an epoch from a stored claim: from the answer to the write, or from
 *       the entry itself, which names this boot and the nonce of this claim.
 *   ownership.O2. Locks change only by compare-and-set. A release overwrites the entry and never deletes it.
 *   ownership.O3. A node takes a lock from another process only when that process is not present.
 *   ownership.O4. A node hands over one resource at a time, except when it leaves.
 *   ownership.O5. When `stop` has ended, every lock that the server answered for is released, also after a claim that
 *       was in flight.
 * The lock decides which node should work. The fence in every batch protects the data (ADR 2).
 * Proved by: test/unit/runtime/cluster/ownership.test.ts, ownership-stop.test.ts, ownership-handover.test.ts,
 *   ownership-rules.test.ts, test/unit/runtime/cluster.test.ts
 * A crash leaves a lock entry that names a boot that no longer exists: any node may claim it.
 */
import type { Subjects } from "../subjects.ts";
import { stopping } from "../limits.ts";
import { type Failpoints, failpoint } from "../failpoints.ts";
import { LockVerification } from "./lock-verification.ts";
import { type LockEntry, readLock, released } from "./lock-entry.ts";
import { type LockSlot, unknownLock } from "./lock-slot.ts";
import { OwnShare } from "./own-share.ts";
import { Targets } from "./targets.ts";
import { noTakeovers, type TakeoverCounts, takeoverReason } from "./takeover-counts.ts";
import type { Clock, Ids, Journal, Log, Reading, StoredMessage, Subscription } from "../ports.ts";
import type { Presence } from "./presence.ts";
import type { OwnedResource } from "./owned-resource.ts";
import type { LockRef } from "../commit/write-set.ts";

/** What ownership needs from its node. `resources`: all that the cluster has, the same on every node. */
export type OwnershipOptions = {
  readonly subjects: Subjects;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly presence: Presence;
  readonly node: string;
  readonly boot: string;
  readonly resources: readonly OwnedResource[];
  readonly commitTimeoutMs: number;
  readonly failpoints?: Failpoints | undefined;
};

/** The most subjects that one reading takes. */
const LOCKS_READ_AT_ONCE = 1000;
const CLAIMS_AT_ONCE = 8;
const REVIEW_MS = 250;
const RETRY_MS = 250;
const RELEASE_POLL_MS = 20;
const STOP_LIMIT_MS = stopping.handOverMs - stopping.leaveMs;

/** See the top of the file. */
export class Ownership {
  private readonly options: OwnershipOptions;
  private readonly slots = new Map<string, LockSlot>();
  private readonly verification: LockVerification;
  /** One for each stream that has a resource. */
  private watching: Subscription[] = [];
  private cancel: () => void = () => {};
  private stopping = false;
  private readonly targets: Targets;
  private counts = noTakeovers;
  /** What this node should have and no present node holds. */
  readonly share: OwnShare;

  constructor(options: OwnershipOptions) {
    this.options = options;
    this.share = new OwnShare(options.clock);
    for (const resource of options.resources) {
      this.slots.set(resource.lock, unknownLock(resource));
    }
    this.targets = new Targets(options.resources.map(({ name }) => name));
    this.verification = new LockVerification({
      ...options,
      held: () =>
        [...this.slots.values()]
          .filter(({ state }) => state !== "free" && state !== "claiming")
          .map(({ resource, epoch }) => ({ subject: resource.lock, epoch, journal: resource.journal })),
      saw: (entry) => this.saw(entry),
    });
  }

  /** Reads and watches the locks, then starts claiming. @throws Unavailable (retryable) */
  async start(): Promise<void> {
    const streams = Map.groupBy(this.slots.values(), ({ resource }) => resource.journal);
    for (const [journal, slots] of streams) this.watching.push(await this.watch(journal, slots));
    this.tick();
  }

  private async watch(journal: Journal, slots: readonly LockSlot[]): Promise<Subscription> {
    const { failpoints } = this.options;
    const locks = slots.map(({ resource }) => resource.lock);
    const readings: Reading[] = [];
    for (let at = 0; at < locks.length; at += LOCKS_READ_AT_ONCE) {
      readings.push(
        await failpoint(failpoints, "ownership.read", () =>
          journal.readLastTogether(locks.slice(at, at + LOCKS_READ_AT_ONCE), 0),
        ),
      );
    }
    for (const { last } of readings) for (const stored of last.values()) this.saw(stored);
    // From the log position of the reading, not of the oldest lock: the server scans everything stored since.
    const from = Math.min(...readings.map(({ through }) => through)) + 1;
    const watching = await failpoint(failpoints, "ownership.watch", () =>
      journal.consume({ filters: locks, fromSequence: from }, (message) => this.saw(message)),
    );
    return watching;
  }

  /** Claims and hands over what the assignment requires now. Call it when the presence of a node has changed. */
  review(): void {
    if (this.stopping) return;
    const { presence, node } = this.options;
    if (!presence.valid()) return;
    const targets = this.targets.of({
      present: presence.present(),
      incompatible: presence.incompatible(),
      moves: presence.moves(),
    });
    this.share.saw(this.unclaimedOf(targets));
    let under = 0;
    let handingOver = false;
    for (const slot of this.slots.values()) {
      if (slot.state === "claiming" || slot.state === "acquiring") under++;
      if (slot.state === "releasing") handingOver = true;
    }
    for (const slot of this.slots.values()) {
      const target = targets.get(slot.resource.name);
      if (slot.state === "held" && target !== node && target !== undefined && !handingOver) {
        handingOver = true;
        void this.handOver(slot);
      } else if (slot.state === "free" && target === node && under < CLAIMS_AT_ONCE && this.claimable(slot)) {
        under++;
        void this.claim(slot);
      } else if (slot.state === "free" && target !== node && this.namesUs(slot)) {
        this.releaseAgain(slot);
      }
    }
  }

  /** This node was isolated for a while: it verifies its locks before it answers from memory again. */
  verifyLocks(): void {
    this.verification.begin();
  }

  /** Whether the server has confirmed the lock since verification last began. */
  isVerified(lock: string): boolean {
    const slot = this.slots.get(lock);
    return slot !== undefined && this.verification.isVerified({ subject: lock, epoch: slot.epoch });
  }

  /** A batch was rejected because this lock has another revision, so this epoch of the lock has ended. */
  moved(lock: LockRef): void {
    const slot = this.slots.get(lock.subject);
    if (slot && slot.epoch === lock.epoch) this.lose(slot);
  }

  /** Every resource with its owner as last seen, for operators. `node`: empty when there is none. */
  owners(): { readonly resource: string; readonly node: string; readonly epoch: number }[] {
    return [...this.slots.values()].map(({ resource, entry, revision }) => ({
      resource: resource.name,
      node: entry?.node ?? "",
      epoch: revision,
    }));
  }

  /** Its takeovers by their reason, and the locks that it lost. */
  takeovers(): TakeoverCounts {
    return this.counts;
  }

  private unclaimedOf(targets: ReadonlyMap<string, string>): string[] {
    return [...this.slots.values()]
      .filter((slot) => slot.state !== "held" && this.claimable(slot))
      .map((slot) => slot.resource.name)
      .filter((name) => targets.get(name) === this.options.node);
  }

  /** Names of the resources that this node holds and serves. */
  held(): string[] {
    return [...this.slots.values()].filter((slot) => slot.state === "held").map((slot) => slot.resource.name);
  }

  /**
   * Hands all over and stops claiming, in bounded time: a lock that the server did not answer for is claimed as that
   * of a dead node. Without `release`, every tenure ends at once and no lock is written: the log is another one.
   */
  async stop(release = true): Promise<void> {
    this.stopping = true;
    this.cancel();
    this.verification.stop();
    if (release) await Promise.race([this.releaseAll(), this.options.clock.sleep(STOP_LIMIT_MS)]);
    for (const slot of this.slots.values()) if (slot.state !== "free") slot.resource.revoke();
  }

  private async releaseAll(): Promise<void> {
    while (!this.releaseMore()) await this.options.clock.sleep(RELEASE_POLL_MS);
    await Promise.all(this.watching.map((watch) => watch.stop()));
  }

  /** Claims, takeovers and hand-overs may be in flight. True: no lock is left. */
  private releaseMore(): boolean {
    for (const slot of this.slots.values()) {
      if (slot.state === "held") void this.handOver(slot);
      else if (slot.state === "acquiring") this.releaseUnopened(slot);
      else if (slot.state === "free" && this.namesUs(slot)) this.releaseAgain(slot);
    }
    return [...this.slots.values()].every(({ state }) => state === "free");
  }

  private tick(): void {
    if (this.stopping) return;
    this.review();
    this.cancel = this.options.clock.after(REVIEW_MS, () => this.tick());
  }

  private namesUs({ entry }: LockSlot): boolean {
    return entry?.node === this.options.node && entry.boot === this.options.boot;
  }

  /** Of a free slot: no present process holds the lock. */
  private claimable({ entry }: LockSlot): boolean {
    if (!entry || entry.node === "") return true;
    const { presence, node } = this.options;
    // An earlier process of this node has ended, or this one would not run; this one has lost its epoch.
    return entry.node === node || !presence.isAlive(entry.node, entry.boot);
  }

  private saw(message: StoredMessage): void {
    const slot = this.slots.get(message.subject);
    if (!slot || message.sequence <= slot.revision) return;
    slot.revision = message.sequence;
    slot.entry = readLock(message.payload);
    const mine = slot.entry?.boot === this.options.boot && slot.entry.nonce === slot.nonce;
    if (mine && slot.state === "claiming") this.won(slot, message.sequence);
    else if (
      !mine &&
      (slot.state === "held" || slot.state === "acquiring") &&
      message.sequence > slot.epoch
    ) {
      this.lose(slot);
    }
    this.review();
  }

  private async claim(slot: LockSlot): Promise<void> {
    const { ids, log, failpoints } = this.options;
    slot.state = "claiming";
    slot.replaced = slot.entry;
    const nonce = ids.next();
    slot.nonce = nonce;
    slot.verificationRound = this.verification.count();
    const result = await failpoint(failpoints, "ownership.claim", () =>
      this.write(slot, this.options.node, nonce),
    );
    // The watch may have shown this entry before the answer arrived, and its end, and the next claim is in flight.
    if (slot.state !== "claiming" || slot.nonce !== nonce) return;
    if (result.status === "stored") {
      slot.revision = Math.max(slot.revision, result.lastSequence);
      this.won(slot, result.lastSequence);
      return;
    }
    log.debug({ resource: slot.resource.name, result }, "claim not stored");
    await this.readBack(slot);
    if (slot.state === "claiming" && slot.nonce === nonce) slot.state = "free";
  }

  /** An unanswered claim may be stored, now or later: the entry itself shows it. */
  private async readBack({ resource: { journal, lock } }: LockSlot): Promise<void> {
    try {
      const stored = await failpoint(this.options.failpoints, "ownership.read_back", () =>
        journal.readLast(lock),
      );
      if (stored) this.saw(stored);
    } catch {
      // Still unknown: the next review tries again, by compare-and-set on the revision known then.
      await this.options.clock.sleep(RETRY_MS);
    }
  }

  private won(slot: LockSlot, epoch: number): void {
    slot.state = "acquiring";
    slot.epoch = epoch;
    slot.entry = {
      node: this.options.node,
      boot: this.options.boot,
      nonce: slot.nonce,
      since: slot.entry?.since ?? "",
    };
    this.verification.claimed({ subject: slot.resource.lock, epoch }, slot.verificationRound);
    if (this.stopping) this.releaseUnopened(slot);
    else void this.acquire(slot, epoch);
  }

  private async acquire(slot: LockSlot, epoch: number): Promise<void> {
    const { log, failpoints } = this.options;
    try {
      await failpoint(failpoints, "ownership.acquire", () => slot.resource.acquire(epoch));
    } catch (error) {
      log.warn({ err: error, resource: slot.resource.name, epoch }, "takeover failed, lock released");
      // Otherwise the lock was lost meanwhile, and perhaps won again: the slot belongs to a later epoch.
      if (slot.epoch === epoch && slot.state === "acquiring") this.releaseUnopened(slot);
      return;
    }
    if (slot.epoch === epoch && slot.state === "acquiring") {
      slot.state = "held";
      this.count(takeoverReason(slot.replaced, this.options.node));
      this.review();
    }
  }

  private count(what: keyof TakeoverCounts): void {
    this.counts = { ...this.counts, [what]: this.counts[what] + 1 };
  }

  private lose(slot: LockSlot): void {
    if (slot.state !== "held" && slot.state !== "acquiring" && slot.state !== "releasing") return;
    this.options.log.warn({ resource: slot.resource.name, epoch: slot.epoch }, "lock lost");
    this.count("lost");
    slot.state = "free";
    slot.epoch = 0;
    slot.resource.revoke();
  }

  private async handOver(slot: LockSlot): Promise<void> {
    const { epoch } = slot;
    const { clock, log } = this.options;
    const begun = clock.monotonic();
    slot.state = "releasing";
    await failpoint(this.options.failpoints, "ownership.drain", () =>
      Promise.race([slot.resource.drain(), clock.sleep(stopping.drainMs)]),
    );
    if (slot.state === "releasing" && slot.epoch === epoch) {
      // The fence drops what is left at the time limit, and its callers are answered now.
      slot.resource.revoke();
      const drainMs = Math.round(clock.monotonic() - begun);
      log.info({ resource: slot.resource.name, epoch, drainMs }, "handed over");
      await this.release(slot, epoch);
    }
    this.review();
  }

  /** Releases a lock that was won and whose resource is not open. */
  private releaseUnopened(slot: LockSlot): void {
    slot.resource.revoke();
    slot.state = "releasing";
    void this.release(slot, slot.epoch);
  }

  /** After a release that was not stored, or a claim that was stored late: no other node may take this lock. */
  private releaseAgain(slot: LockSlot): void {
    slot.state = "releasing";
    void this.release(slot, slot.revision);
  }

  /** Tries once. Without an answer, or while a batch checks the lock, the next review sees that it names this node. */
  private async release(slot: LockSlot, revision: number): Promise<void> {
    const result = await failpoint(this.options.failpoints, "ownership.release", () =>
      this.write(slot, "", slot.nonce, revision),
    );
    // The watch may have shown the next owner before the answer arrived: that entry is newer.
    if (result.status === "stored" && result.lastSequence > slot.revision) {
      slot.revision = result.lastSequence;
      slot.entry = released;
    }
    // A batch may have shown that the lock has moved, and the next claim is in flight.
    if (slot.state !== "releasing") return;
    slot.epoch = 0;
    slot.state = "free";
  }

  private write(slot: LockSlot, node: string, nonce: string, expected = slot.revision) {
    const { boot, clock, commitTimeoutMs } = this.options;
    const { journal, lock: subject } = slot.resource;
    const entry: LockEntry = {
      node,
      boot: node === "" ? "" : boot,
      nonce,
      since: new Date(clock.now()).toISOString(),
    };
    return journal.append(
      [{ subject, payload: JSON.stringify(entry), fence: { subject, sequence: expected } }],
      commitTimeoutMs,
    );
  }
}
