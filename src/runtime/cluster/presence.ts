/**
 * Which nodes are present: every node refreshes its own entry in bucket NODES (its heartbeat) and watches the others.
 * Owns: this node's entry.  Does not own: locks; presence only decides where they should go.
 * Invariants
 *   presence.N1. Peers are judged only while this node receives its own heartbeats, which take the same path as those
 *       of the peers; otherwise their timers are paused.
 *   presence.N2. A node that counts as gone is present again with its next heartbeat.
 * Proved by: test/unit/runtime/cluster/presence.test.ts, ownership.test.ts, test/unit/runtime/cluster.test.ts
 * A crash leaves an entry without refreshes; the other nodes count it as gone `ttlMs` after its last change.
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import { isTexts, isTime, parseObject } from "../json.ts";
import type { Bucket, Clock, Log, Subscription } from "../ports.ts";
import type { UnreadableEntries } from "../unreadable.ts";
import { movesOf } from "./placement.ts";
import type { Peer, ObserverLiveness } from "./suspicion.ts";

/** The value of a presence entry. Stored: its field names are a format. */
export type NodeEntry = {
  readonly id: string;
  /** Differs for every start of the process. */
  readonly boot: string;
  /** ms since the epoch */
  readonly startedAt: number;
  /** The node shuts down or is drained: its share goes to the other nodes. */
  readonly leaving?: true;
  /** Names of incompatible resources: they have records that a newer program wrote and this process cannot read. */
  readonly unfit?: readonly string[];
  /** Which timers of an earlier owner its program fires: 1, those without a schedule (ADR 17). */
  readonly timers?: number;
  readonly [detail: string]: unknown;
};

/** Writes this node's entry (identity.ts). */
export type EntryWriter = {
  /** The first write. */
  claim(entry: string): Promise<void>;
  renew(entry: string): Promise<void>;
  /** Deletes the entry. */
  release(): Promise<void>;
  /** An entry of this node is in the bucket. */
  saw(entry: NodeEntry, revision: number): void;
  /** Whether another process has the id of this node. */
  isTaken(): boolean;
};

/** What presence needs from its node. Intervals in ms. */
export type PresenceOptions = {
  /** Id of this node. */
  readonly node: string;
  readonly nodes: Pick<Bucket, "watch">;
  readonly identity: EntryWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly unreadable: UnreadableEntries;
  readonly ttlMs: number;
  readonly refreshMs: number;
  /** This node's entry now. Called for each refresh only. */
  readonly entry: () => NodeEntry;
  /** A node joined, left, restarted, or announced that it leaves. */
  readonly onChange: () => void;
  /** This node was not visible long enough for other nodes to act, and is about to be visible again. */
  readonly onRegained: () => void;
  readonly failpoints?: Failpoints | undefined;
};

/** See the top of the file. */
export class Presence {
  private readonly options: PresenceOptions;
  /** By id, this node included. `seenAt`: when its time to live began; `heardAt`: when its last heartbeat arrived. */
  private readonly others = new Map<string, { entry: NodeEntry; seenAt: number; readonly heardAt: number }>();
  private watching: Subscription | undefined;
  private cancel: () => void = () => {};
  /** Monotonic time at which the last refresh that succeeded was begun. */
  private refreshedAt = Number.NEGATIVE_INFINITY;
  /** Peers are judged only after a full `ttlMs` from here on: since then this node sees them. Monotonic ms. */
  private seeingSince = Number.POSITIVE_INFINITY;
  /** When this node last received its own heartbeat, monotonic ms; undefined before the first. */
  private ownHeardAt: number | undefined;
  private refreshingSoon = false;
  private stopped = false;
  private leaving = false;

  constructor(options: PresenceOptions) {
    this.options = options;
  }

  /** Watches the other nodes from now on; this node is not visible yet. @throws Unavailable (retryable) */
  async start(): Promise<void> {
    this.watching = await failpoint(this.options.failpoints, "presence.watch", () =>
      this.options.nodes.watch((change) => this.changed(change)),
    );
    this.seeingSince = this.options.clock.monotonic();
  }

  /**
   * Claims the id of this node and makes it visible: other nodes may hand over to it from now on.
   * @throws IdentityTaken; Unavailable (retryable)
   */
  async announce(): Promise<void> {
    await this.refresh((entry) => this.options.identity.claim(entry));
    this.tick();
    this.options.onChange();
  }

  /** Whether this node's entry has certainly not expired for the other nodes: then it may act as an owner. */
  valid(): boolean {
    return this.validForMs() > 0;
  }

  /** How much longer the entry is valid without a refresh, ms; 0 or less when it is not valid. */
  validForMs(): number {
    const { clock, identity, ttlMs } = this.options;
    if (identity.isTaken()) return Number.NEGATIVE_INFINITY;
    return this.refreshedAt + ttlMs * VALID_SHARE - clock.monotonic();
  }

  /** Ids of the present nodes that are not leaving, this one included; sorted. */
  present(): string[] {
    const own = this.options.node;
    const ids = this.leaving || this.others.get(own)?.entry.leaving ? [] : [own];
    for (const [id, { entry }] of this.others) {
      if (id !== own && !entry.leaving && this.isPresent(id)) ids.push(id);
    }
    return ids.toSorted();
  }

  /** The other present nodes, leaving ones included, as their last heartbeats show them. */
  peers(): Peer[] {
    return [...this.others]
      .filter(([id]) => id !== this.options.node && this.isPresent(id))
      .map(([id, { entry, heardAt }]) => ({ id, boot: entry.boot, heardAt }));
  }

  /** Since when this node sees its peers, and when it last received its own heartbeat. */
  liveness(): ObserverLiveness {
    return { since: this.seeingSince, ownHeardAt: this.ownHeardAt ?? Number.NEGATIVE_INFINITY };
  }

  /** The failure detector counts this process as dead: it counts as gone until its next heartbeat, if there is one. */
  declareDead(id: string, boot: string): void {
    if (this.others.get(id)?.entry.boot !== boot) return;
    this.others.delete(id);
    this.options.onChange();
  }

  /** Sends one more heartbeat, to see whether it arrives here. One at a time. */
  refreshSoon(): void {
    if (this.refreshingSoon) return;
    this.refreshingSoon = true;
    void this.refresh()
      .catch(() => {})
      .finally(() => {
        this.refreshingSoon = false;
      });
  }

  /** The entries as last seen, present nodes only. */
  entries(): NodeEntry[] {
    return [...this.others].filter(([id]) => this.isPresent(id)).map(([, { entry }]) => entry);
  }

  /** Whether every present node fires the timers that a predecessor has left without a schedule. */
  fireUnscheduled(): boolean {
    const entries = this.entries();
    return (
      entries.length > 0 &&
      entries.every(({ timers }) => typeof timers === "number" && timers >= FIRES_UNSCHEDULED)
    );
  }

  /** By node, the resources that it cannot host, without nodes that can host all. This node as the others see it. */
  incompatible(): ReadonlyMap<string, readonly string[]> {
    const incompatible = new Map<string, readonly string[]>();
    for (const [id, { entry }] of this.others) {
      if (entry.unfit && entry.unfit.length > 0 && this.isPresent(id)) incompatible.set(id, entry.unfit);
    }
    return incompatible;
  }

  /** By resource, the present node that an operator has moved it to. This node as the others see it. */
  moves(): ReadonlyMap<string, string> {
    return movesOf(this.entries());
  }

  /** Whether exactly this process of the node is present. An unknown node counts as alive for one `ttlMs`. */
  isAlive(id: string, boot: string): boolean {
    const other = this.others.get(id);
    if (other) return other.entry.boot === boot && this.isPresent(id);
    return this.seenUntil() - this.seeingSince < this.options.ttlMs;
  }

  /** The connection has returned: every peer gets a full `ttlMs` for its next heartbeat. */
  reconnected(): void {
    const now = this.options.clock.monotonic();
    this.seeingSince = now;
    for (const other of this.others.values()) other.seenAt = now;
  }

  /** Announces that this node leaves. Best effort: the other nodes notice in any case, later. */
  async leave(): Promise<void> {
    this.leaving = true;
    await this.refresh().catch(() => {});
  }

  /** Ends the heartbeats and deletes the entry. Does not reject when the server is unavailable. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.watching?.stop();
    await failpoint(this.options.failpoints, "presence.delete", () =>
      this.options.identity.release().catch(() => {}),
    );
  }

  private tick(): void {
    if (this.stopped || this.options.identity.isTaken()) return;
    // A heartbeat does not wait for the last one: a lost write takes longer to fail than a heartbeat may take.
    this.cancel = this.options.clock.after(this.options.refreshMs, () => {
      this.refresh().catch((error: unknown) =>
        this.options.log.warn({ err: error }, "presence could not be refreshed"),
      );
      this.tick();
    });
  }

  private async refresh(
    write = (entry: string): Promise<void> => this.options.identity.renew(entry),
  ): Promise<void> {
    const { clock, entry } = this.options;
    const begun = clock.monotonic();
    const own = { ...entry(), timers: FIRES_UNSCHEDULED };
    const value = this.leaving ? { ...own, leaving: true } : own;
    await failpoint(this.options.failpoints, "presence.refresh", () => write(JSON.stringify(value)));
    // The server did not answer for a while, perhaps not to the other nodes either.
    if (!this.valid()) {
      this.reconnected();
      this.options.onRegained();
    } else this.forgetExpired();
    this.refreshedAt = Math.max(this.refreshedAt, begun);
  }

  /** Called while this node sees its peers: an expired entry must not revive with the next interruption. */
  private forgetExpired(): void {
    for (const id of this.others.keys()) if (!this.isPresent(id)) this.others.delete(id);
  }

  private changed(change: {
    readonly key: string;
    readonly value: string | undefined;
    readonly revision: number;
  }): void {
    const { key, value, revision } = change;
    if (value === undefined) {
      this.others.delete(key);
      this.options.onChange();
      return;
    }
    const entry = readEntry(value);
    // An unreadable value is no heartbeat. A present node soon sends its next one.
    if (entry?.id !== key) {
      this.options.unreadable.passed("presence", key, revision, "it is no heartbeat");
      return;
    }
    const before = this.isPresent(key) ? this.others.get(key)?.entry : undefined;
    const heardAt = this.options.clock.monotonic();
    if (key === this.options.node) {
      this.options.identity.saw(entry, revision);
      this.heardOwn(heardAt);
    }
    this.others.set(key, { entry, seenAt: heardAt, heardAt });
    // Most changes are heartbeats.
    const isNew = before?.boot !== entry.boot || before.leaving !== entry.leaving;
    if (isNew || JSON.stringify(before["moved"]) !== JSON.stringify(entry["moved"])) this.options.onChange();
  }

  /** Changes arrive again. After a long silence the heartbeats of the peers may arrive later than this one. */
  private heardOwn(now: number): void {
    const silentMs = now - (this.ownHeardAt ?? now);
    this.ownHeardAt = now;
    if (silentMs >= this.options.ttlMs * VALID_SHARE) this.reconnected();
  }

  /** Until when this node has seen its peers, monotonic ms: its own heartbeats arrive at most `refreshMs` apart. */
  private seenUntil(): number {
    const now = this.options.clock.monotonic();
    return Math.min(now, (this.ownHeardAt ?? now) + this.options.refreshMs);
  }

  private isPresent(id: string): boolean {
    const other = this.others.get(id);
    if (!other) return false;
    return this.seenUntil() - other.seenAt < this.options.ttlMs;
  }
}

/** See `NodeEntry.timers`. */
const FIRES_UNSCHEDULED = 1;

/** The share of `ttlMs` after which a node stops acting as an owner, well before the other nodes count it as gone. */
const VALID_SHARE = 0.8;

/** A stored entry; undefined when it is none. */
export function readEntry(value: string): NodeEntry | undefined {
  const entry = parseObject(value);
  const { id, boot, startedAt, unfit } = entry ?? {};
  const isNode = typeof id === "string" && typeof boot === "string" && isTime(startedAt);
  return isNode && (unfit === undefined || isTexts(unfit)) ? (entry as NodeEntry) : undefined;
}
