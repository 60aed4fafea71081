/**
 * Who is there: every node refreshes its own entry in bucket NODES (its heartbeat) and watches the others'.
 * Owns: this node's entry.  Does not own: locks; presence only says where they should go.
 * Invariants
 *   N1. Nobody is judged by what came, or did not come, while this node could not see. That it sees, it knows from its
 *       own heartbeats, which come back to it the same way as the others' come: while they do not, time stands still.
 *   N2. A node that counts as gone is back with its next heartbeat.
 * Proved by: test/unit/runtime/cluster/presence.test.ts, ownership.test.ts, test/unit/runtime/cluster.test.ts
 * A crash leaves an entry that nobody refreshes; the others count it as gone `ttlMs` after they last saw it change.
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import { parseObject } from "../json.ts";
import type { Bucket, Clock, Log, Subscription } from "../ports.ts";
import type { Peer, ObserverLiveness } from "./suspicion.ts";

export type NodeEntry = {
  readonly id: string;
  /** Differs for every start of the process. */
  readonly boot: string;
  /** ms since the epoch */
  readonly startedAt: number;
  /** The node leaves in order: give its share to the others. */
  readonly leaving?: true;
  /** Names of resources with records that this process is too old to read. */
  readonly unfit?: readonly string[];
  readonly [detail: string]: unknown;
};

export type PresenceOptions = {
  /** Id of this node. */
  readonly node: string;
  readonly nodes: Bucket;
  readonly clock: Clock;
  readonly log: Log;
  readonly ttlMs: number;
  readonly refreshMs: number;
  /** This node's entry as it is now. Built for each refresh, and for nothing else. */
  readonly entry: () => NodeEntry;
  readonly onChange: () => void;
  /** This node could not be seen for so long that others may have acted, and is about to be seen again. */
  readonly onRegained: () => void;
  readonly failpoints?: Failpoints | undefined;
};

export class Presence {
  private readonly options: PresenceOptions;
  /** `seenAt`: from when on its life counts; `heardAt`: when its last heartbeat came. This node is among them. */
  private readonly others = new Map<string, { entry: NodeEntry; seenAt: number; readonly heardAt: number }>();
  private watching: Subscription | undefined;
  private cancel: () => void = () => {};
  /** Monotonic time at which the last refresh that succeeded was begun. */
  private refreshedAt = Number.NEGATIVE_INFINITY;
  /** Others are judged only after they had a full `ttlMs` to be seen since we could see. */
  private seeingSince = Number.POSITIVE_INFINITY;
  /** When this node's own heartbeat last came back to it; undefined before the first. */
  private ownHeardAt: number | undefined;
  private refreshingSoon = false;
  private stopped = false;
  private leaving = false;

  constructor(options: PresenceOptions) {
    this.options = options;
  }

  /** Sees the others from now on, and is not seen yet. @throws Unavailable */
  async start(): Promise<void> {
    this.watching = await failpoint(this.options.failpoints, "presence.watch", () =>
      this.options.nodes.watch((change) => this.changed(change)),
    );
    this.seeingSince = this.options.clock.monotonic();
  }

  /** This node takes part: the others may hand over to it from now on. @throws Unavailable */
  async announce(): Promise<void> {
    await this.refresh();
    this.tick();
    this.options.onChange();
  }

  /** This node's entry is certainly still there for the others: it may act as an owner. */
  valid(): boolean {
    return this.validForMs() > 0;
  }

  /** How much longer it is certainly there without a refresh; 0 or less when it is not. */
  validForMs(): number {
    const { clock, ttlMs } = this.options;
    return this.refreshedAt + ttlMs * VALID_SHARE - clock.monotonic();
  }

  /** Ids of the nodes that are there and not leaving, this one included; sorted. */
  present(): string[] {
    const own = this.options.node;
    const ids = this.leaving ? [] : [own];
    for (const [id, { entry }] of this.others) {
      if (id !== own && !entry.leaving && this.isPresent(id)) ids.push(id);
    }
    return ids.toSorted();
  }

  /** The other nodes that are there, leaving ones included, as their last heartbeats show them. */
  peers(): Peer[] {
    return [...this.others]
      .filter(([id]) => id !== this.options.node && this.isPresent(id))
      .map(([id, { entry, heardAt }]) => ({ id, boot: entry.boot, heardAt }));
  }

  /** Since when this node sees the others, and when it last saw itself. */
  liveness(): ObserverLiveness {
    return { since: this.seeingSince, ownHeardAt: this.ownHeardAt ?? Number.NEGATIVE_INFINITY };
  }

  /** This process of the node is dead for certain enough: counts as gone until its next heartbeat, if there is one. */
  isIsolated(id: string, boot: string): void {
    if (this.others.get(id)?.entry.boot !== boot) return;
    this.others.delete(id);
    this.options.onChange();
  }

  /** One heartbeat more, to see whether it comes back. One at a time. */
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

  /** By node, the resources that it cannot host; nodes that can host all are left out. This node as the others see it. */
  incompatible(): ReadonlyMap<string, readonly string[]> {
    const unfit = new Map<string, readonly string[]>();
    for (const [id, { entry }] of this.others) {
      if (entry.unfit && entry.unfit.length > 0 && this.isPresent(id)) unfit.set(id, entry.unfit);
    }
    return unfit;
  }

  /** Whether this very process of the node is there. Unknown nodes get the benefit of one `ttlMs`. */
  isAlive(id: string, boot: string): boolean {
    const other = this.others.get(id);
    if (other) return other.entry.boot === boot && this.isPresent(id);
    return this.seenUntil() - this.seeingSince < this.options.ttlMs;
  }

  /** After the connection came back, everybody gets a full `ttlMs` to show up again. */
  reconnected(): void {
    const now = this.options.clock.monotonic();
    this.seeingSince = now;
    for (const other of this.others.values()) other.seenAt = now;
  }

  /** Tells the others that this node leaves. Best effort: they notice anyway, later. */
  async leave(): Promise<void> {
    this.leaving = true;
    await this.refresh().catch(() => {});
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancel();
    await this.watching?.stop();
    await failpoint(this.options.failpoints, "presence.delete", () =>
      this.options.nodes.delete(this.options.node).catch(() => {}),
    );
  }

  private tick(): void {
    if (this.stopped) return;
    // The next one does not wait for the last: a write that is lost takes longer to fail than a heartbeat may.
    this.cancel = this.options.clock.after(this.options.refreshMs, () => {
      this.refresh().catch((error: unknown) =>
        this.options.log.warn({ err: error }, "presence could not be refreshed"),
      );
      this.tick();
    });
  }

  private async refresh(): Promise<void> {
    const { clock, nodes, entry } = this.options;
    const begun = clock.monotonic();
    const value = this.leaving ? { ...entry(), leaving: true } : entry();
    await failpoint(this.options.failpoints, "presence.refresh", () =>
      nodes.put(value.id, JSON.stringify(value)),
    );
    // The server was silent for a while: for the others too, perhaps.
    if (!this.valid()) {
      this.reconnected();
      this.options.onRegained();
    } else this.forgetExpired();
    this.refreshedAt = Math.max(this.refreshedAt, begun);
  }

  /** While this node sees well: what expired must not come back to life with the next interruption. */
  private forgetExpired(): void {
    for (const id of this.others.keys()) if (!this.isPresent(id)) this.others.delete(id);
  }

  private changed(change: { readonly key: string; readonly value: string | undefined }): void {
    const { key, value } = change;
    if (value === undefined) {
      this.others.delete(key);
      this.options.onChange();
      return;
    }
    const entry = readEntry(value);
    // No heartbeat of anybody: whoever is there tells so himself, soon.
    if (!entry) return;
    const before = this.isPresent(key) ? this.others.get(key)?.entry : undefined;
    const heardAt = this.options.clock.monotonic();
    if (key === this.options.node) this.heardOwn(heardAt);
    this.others.set(key, { entry, seenAt: heardAt, heardAt });
    // Most are heartbeats and change nothing.
    if (before?.boot !== entry.boot || before.leaving !== entry.leaving) this.options.onChange();
  }

  /** The news come again. After a long silence those of the others may come later than this one. */
  private heardOwn(now: number): void {
    const silentMs = now - (this.ownHeardAt ?? now);
    this.ownHeardAt = now;
    if (silentMs >= this.options.ttlMs * VALID_SHARE) this.reconnected();
  }

  /** Up to when this node has seen, monotonic ms: its own heartbeats come back at most `refreshMs` apart. */
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

/** A node stops acting as an owner well before the others count it as gone. */
const VALID_SHARE = 0.8;

function readEntry(value: string): NodeEntry | undefined {
  const entry = parseObject(value);
  const isNode = typeof entry?.["id"] === "string" && typeof entry["boot"] === "string";
  return isNode ? (entry as NodeEntry) : undefined;
}
