/**
 * Who is there: every node refreshes its own entry in bucket NODES and watches the others'.
 * Owns: this node's entry.  Does not own: locks; presence only says where they should go.
 * A crash leaves an entry that nobody refreshes; the others count it as gone `ttlMs` after they last saw it change.
 */
import type { Bucket, Clock, Log, Subscription } from "./ports.ts";

export type NodeEntry = {
  readonly id: string;
  /** Differs for every start of the process. */
  readonly boot: string;
  /** ms since the epoch */
  readonly startedAt: number;
  /** The node leaves in order: give its share to the others. */
  readonly leaving?: true;
  readonly [detail: string]: unknown;
};

export type PresenceOptions = {
  readonly nodes: Bucket;
  readonly clock: Clock;
  readonly log: Log;
  readonly ttlMs: number;
  readonly refreshMs: number;
  /** This node's entry as it is now. */
  readonly entry: () => NodeEntry;
  readonly onChange: () => void;
};

export class Presence {
  private readonly options: PresenceOptions;
  private readonly others = new Map<string, { entry: NodeEntry; seenAt: number }>();
  private watching: Subscription | undefined;
  private cancel: () => void = () => {};
  /** Monotonic time at which the last refresh that succeeded was begun. */
  private refreshedAt = Number.NEGATIVE_INFINITY;
  /** Others are judged only after they had a full `ttlMs` to be seen since we could see. */
  private seeingSince = Number.POSITIVE_INFINITY;
  private stopped = false;
  private leaving = false;

  constructor(options: PresenceOptions) {
    this.options = options;
  }

  /** @throws Unavailable */
  async start(): Promise<void> {
    await this.refresh();
    this.watching = await this.options.nodes.watch((change) => this.changed(change));
    this.seeingSince = this.options.clock.monotonic();
    this.tick();
  }

  /** This node's entry is certainly still there for the others: it may act as an owner. */
  valid(): boolean {
    const { clock, ttlMs } = this.options;
    return clock.monotonic() - this.refreshedAt < ttlMs * VALID_SHARE;
  }

  /** Ids of the nodes that are there and not leaving, this one included; sorted. */
  present(): string[] {
    const own = this.options.entry().id;
    const ids = this.leaving ? [] : [own];
    for (const [id, { entry }] of this.others) {
      if (id !== own && !entry.leaving && this.isPresent(id)) ids.push(id);
    }
    return ids.toSorted();
  }

  /** The entries as last seen, present nodes only. */
  entries(): NodeEntry[] {
    return [...this.others].filter(([id]) => this.isPresent(id)).map(([, { entry }]) => entry);
  }

  /** Whether this very process of the node is there. Unknown nodes get the benefit of one `ttlMs`. */
  isAlive(id: string, boot: string): boolean {
    const other = this.others.get(id);
    if (other) return other.entry.boot === boot && this.isPresent(id);
    return this.options.clock.monotonic() - this.seeingSince < this.options.ttlMs;
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
    await this.options.nodes.delete(this.options.entry().id).catch(() => {});
  }

  private tick(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.after(this.options.refreshMs, () => {
      void this.refresh()
        .catch((error: unknown) => this.options.log.warn({ err: error }, "presence could not be refreshed"))
        .finally(() => this.tick());
    });
    this.options.onChange();
  }

  private async refresh(): Promise<void> {
    const { clock, nodes, entry } = this.options;
    const begun = clock.monotonic();
    const value = this.leaving ? { ...entry(), leaving: true } : entry();
    await nodes.put(value.id, JSON.stringify(value));
    this.refreshedAt = begun;
  }

  private changed(change: { readonly key: string; readonly value: string | undefined }): void {
    if (change.value === undefined) this.others.delete(change.key);
    else {
      const entry = JSON.parse(change.value) as NodeEntry;
      this.others.set(change.key, { entry, seenAt: this.options.clock.monotonic() });
    }
    this.options.onChange();
  }

  private isPresent(id: string): boolean {
    const other = this.others.get(id);
    if (!other) return false;
    return this.options.clock.monotonic() - other.seenAt < this.options.ttlMs;
  }
}

/** A node stops acting as an owner well before the others count it as gone. */
const VALID_SHARE = 0.8;
