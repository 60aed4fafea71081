/**
 * The projection of one node: a file of its own that follows the order streams and answers lists and counts.
 * Owns: the file, its feeds, the callers that wait for a position.  Does not own: the thread that it runs in.
 * Invariants
 *   projection.R1. A file that is damaged, of another form, or about another log is moved away and built anew.
 *   projection.R2. Nothing is answered from a file that has not reached the end of the streams once.
 *   projection.R3. An answer with `minSequence` knows these sequences.
 * Proved by: test/unit/services/projection/projection.test.ts, test/integration/nodes/projection.test.ts
 * A crash leaves the file at the position of its last transaction, or a file that is recognized as damaged.
 */
import { rmSync } from "node:fs";
import type Database from "better-sqlite3";
import { type Clock, type Log, type LogState, Unavailable } from "../../runtime/ports.ts";
import type { Subjects } from "../../runtime/subjects.ts";
import type {
  AsOf,
  CountKey,
  Known,
  NoAnswer,
  OrderCounts,
  OrderPage,
  ProjectionState,
  Sort,
} from "./contract.ts";
import { type Cursor, decodedCursor, encodedCursor } from "./cursor.ts";
import { Feed, type OrderLog } from "./feed.ts";
import { type Listed, OrderQueries, type Page } from "./queries.sqlite.ts";
import { closeFile, FileUnusable, isDamage, moveAway, openFile } from "./schema.sqlite.ts";
import type { Selection } from "./selection.ts";
import { OrderStore } from "./store.sqlite.ts";

/** A question to a projection, by another thread or node: JSON. */
export type ProjectionQuery = { readonly selection: Selection; readonly minSequence?: readonly Known[] } & (
  | { readonly op: "list"; readonly sort: Sort; readonly limit: number; readonly cursor?: string }
  | { readonly op: "counts"; readonly by: CountKey }
);

/** What a projection needs. */
export type ProjectionOptions = {
  /** The file; its folder must exist. */
  readonly path: string;
  /** Of every order stream, by its number. */
  readonly logs: readonly OrderLog[];
  readonly subjects: Pick<Subjects, "prefix">;
  readonly clock: Clock;
  readonly log: Log;
  /** Tests only. */
  readonly waitMs?: number;
};

/** How long a caller waits for a position, ms. */
const WAIT_MS = 5_000;
/** How long the end of a stream counts as new, ms. */
const END_MS = 100;
/** Pause after a fault. */
const AGAIN_MS = 1_000;
/** A leader that was elected a moment ago may not have come as far as the file: the log is read again. */
const LOOKS = 5;
const RETRY_MS = 1_000;

type Open = {
  readonly database: Database.Database;
  readonly store: OrderStore;
  readonly queries: OrderQueries;
  readonly feeds: readonly Feed[];
  /** Ends of the streams when the file was opened, which it has to reach once; undefined: it has. */
  targets: readonly number[] | undefined;
};

type Waiter = { readonly needs: readonly Known[]; readonly reached: () => void };

/** See the top of the file. `start` once, `stop` once. */
export class Projection {
  private readonly options: ProjectionOptions;
  private open: Open | undefined;
  private readonly waiters = new Set<Waiter>();
  private reason: string | undefined;
  private ends: readonly LogState[] = [];
  private endsAt = Number.NEGATIVE_INFINITY;
  private endsRead: Promise<void> | undefined;
  private stopped = false;
  private restarting: Promise<void> | undefined;
  private builds = 0;
  /** Of the files before this one. */
  private foldedBefore = 0;

  constructor(options: ProjectionOptions) {
    this.options = options;
  }

  /** Ends when the projection follows the streams; tries until then. */
  start(): Promise<void> {
    return this.restart("none");
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.restarting;
    await this.close();
  }

  /** Builds the file anew. Ends when it has begun. */
  rebuild(): Promise<void> {
    return this.restart("remove");
  }

  async answer(query: ProjectionQuery): Promise<OrderPage | OrderCounts | NoAnswer> {
    const { minSequence = [] } = query;
    if (!this.open || this.open.targets) return this.building();
    if (!(await this.reaches(minSequence))) return { status: "behind", retryAfterMs: RETRY_MS };
    await this.readEnds();
    const open = this.open;
    if (!open || open.targets) return this.building();
    try {
      return this.answerFrom(open, query);
    } catch (error) {
      if (!isDamage(error)) throw error;
      void this.restart("move", error);
      return this.building();
    }
  }

  state(): ProjectionState {
    const { open, reason } = this;
    const streams = (open?.feeds ?? []).map((feed, stream) => {
      return { stream, sequence: feed.known(), end: this.ends[stream]?.lastSequence ?? 0 };
    });
    const sum = (pick: (feed: Feed) => number): number =>
      (open?.feeds ?? []).reduce((total, feed) => total + pick(feed), 0);
    const running = open?.targets ? "building" : "following";
    return {
      status: reason !== undefined ? "failing" : open ? running : "starting",
      progress: this.progress(),
      orders: open?.store.size() ?? 0,
      streams,
      behindMs: this.asOf().behindMs,
      builds: this.builds,
      folded: this.foldedBefore + sum((feed) => feed.folded),
      unreadable: sum((feed) => feed.unreadable),
      ...(reason === undefined ? {} : { reason }),
    };
  }

  /** Reads the ends of the streams, for `state`; without an answer the last ones count. */
  readEnds(): Promise<void> {
    if (this.options.clock.monotonic() - this.endsAt < END_MS) return Promise.resolve();
    this.endsRead ??= this.readEndsNow().finally(() => {
      this.endsRead = undefined;
    });
    return this.endsRead;
  }

  private async readEndsNow(): Promise<void> {
    try {
      this.ends = await Promise.all(this.options.logs.map((log) => log.state()));
      this.endsAt = this.options.clock.monotonic();
      this.checkTargets();
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      // The last ones count, and `asOf` says how old they are.
    }
  }

  private answerFrom({ queries }: Open, query: ProjectionQuery): OrderPage | OrderCounts | NoAnswer {
    const asOf = this.asOf();
    if (query.op === "counts")
      return { status: "counted", counts: queries.counts(query.selection, query.by), asOf };
    const { limit, selection, sort } = query;
    const cursor = query.cursor === undefined ? undefined : decodedCursor(query.cursor);
    if (query.cursor !== undefined && cursor?.sort !== sort) {
      const reason = cursor ? `is a cursor of the sort ${cursor.sort}` : "is not a cursor of this list";
      return { status: "invalid", field: "cursor", reason };
    }
    const page = queries.page(selection, sort, limit, cursor);
    return {
      status: "found",
      items: queries.orders(page.listed),
      ...cursorsOf(page, sort, cursor),
      total: queries.total(selection),
      asOf,
    };
  }

  private building(): NoAnswer {
    return { status: "behind", retryAfterMs: RETRY_MS, progress: this.progress() };
  }

  private progress(): number {
    const { open } = this;
    if (!open) return 0;
    if (!open.targets) return 1;
    const parts = open.targets.map((target, stream) => {
      return target === 0 ? 1 : Math.min(1, (open.feeds[stream]?.known() ?? 0) / target);
    });
    // It is done when the mark in the file says so.
    return Math.min(0.999, Math.min(...parts));
  }

  private asOf(): AsOf {
    const feeds = this.open?.feeds ?? [];
    const known = feeds.map((feed) => feed.known());
    const at = Math.max(0, ...feeds.map((feed) => feed.at()));
    const lags = feeds.map((feed, stream) => {
      const end = this.ends[stream];
      return end && end.lastSequence > feed.known() ? Math.max(0, end.lastAt - feed.at()) : 0;
    });
    // While the server does not answer, the ends of the streams are not known.
    const unknown = this.options.clock.monotonic() - this.endsAt;
    const silent = Number.isFinite(unknown) && unknown > AGAIN_MS ? Math.round(unknown) : 0;
    return {
      sequence:
        known.length === 1 ? known[0]! : known.map((sequence, stream) => `${stream}.${sequence}`).join(","),
      at: new Date(at).toISOString(),
      behindMs: Math.max(silent, ...lags),
    };
  }

  private reaches(needs: readonly Known[]): Promise<boolean> {
    if (this.knows(needs)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = { needs, reached: () => end(true) };
      const end = (reached: boolean): void => {
        cancel();
        this.waiters.delete(waiter);
        resolve(reached);
      };
      const cancel = this.options.clock.after(this.options.waitMs ?? WAIT_MS, () => end(false));
      this.waiters.add(waiter);
      for (const feed of this.open?.feeds ?? []) feed.hurry();
    });
  }

  private knows(needs: readonly Known[]): boolean {
    return needs.every(({ sequence, stream }) => (this.open?.feeds[stream]?.known() ?? -1) >= sequence);
  }

  private progressed(): void {
    this.checkTargets();
    for (const waiter of this.waiters) if (this.knows(waiter.needs)) waiter.reached();
  }

  private checkTargets(): void {
    const { open } = this;
    if (!open?.targets?.every((target, stream) => (open.feeds[stream]?.known() ?? 0) >= target)) return;
    open.targets = undefined;
    open.database.exec("INSERT OR REPLACE INTO meta VALUES ('built', 'yes')");
    this.options.log.info({ orders: open.store.size() }, "the list of orders is complete");
  }

  /** One at a time: a second one waits for the first, and begins anew. */
  private async restart(file: "none" | "remove" | "move", cause?: unknown): Promise<void> {
    if (this.restarting && file === "move") return await this.restarting;
    await this.restarting;
    this.restarting = this.begin(file, cause).finally(() => {
      this.restarting = undefined;
    });
    await this.restarting;
  }

  private async begin(file: "none" | "remove" | "move", cause: unknown): Promise<void> {
    await this.close();
    if (file === "move") this.movedAway(cause);
    if (file === "remove") this.remove();
    while (!this.stopped) {
      try {
        await this.opened();
        this.reason = undefined;
        return;
      } catch (error) {
        await this.close();
        if (error instanceof FileUnusable) this.movedAway(error);
        else {
          this.failed(error);
          await this.options.clock.sleep(AGAIN_MS);
        }
      }
    }
  }

  private failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.reason !== reason)
      this.options.log.warn({ err: error }, "the list of orders cannot be kept; it tries again");
    this.reason = reason;
  }

  private movedAway(cause: unknown): void {
    this.builds++;
    const movedTo = moveAway(this.options.path);
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.options.log.warn({ movedTo, reason }, "the list of orders is built anew: its file cannot be used");
  }

  private remove(): void {
    this.builds++;
    for (const suffix of ["", "-wal", "-shm"]) rmSync(this.options.path + suffix, { force: true });
  }

  /** @throws FileUnusable; SqliteError, Unavailable (retryable) */
  private async opened(): Promise<void> {
    const { clock, log, logs, path, subjects } = this.options;
    const ends = await Promise.all(logs.map((one) => one.state()));
    const database = openFile(path);
    const store = new OrderStore(database);
    const built = database.prepare("SELECT 1 FROM meta WHERE key = 'built'").get() !== undefined;
    const feeds = logs.map(
      (one, stream) =>
        new Feed({
          stream,
          log: one,
          logId: ends[stream]?.id ?? null,
          store,
          subjects,
          clock,
          reports: log,
          onProgress: () => this.progressed(),
          isAwaited: () => this.waiters.size > 0,
          onRefused: (error) => this.refused(error),
        }),
    );
    const targets = built ? undefined : ends.map(({ lastSequence }) => lastSequence);
    this.open = { database, store, queries: new OrderQueries(store), feeds, targets };
    this.ends = ends;
    this.endsAt = clock.monotonic();
    for (const [stream, one] of logs.entries()) await this.checkLog(one, stream, store);
    for (const feed of feeds) await feed.start();
    this.progressed();
  }

  /** @throws FileUnusable: the file is about another log */
  private async checkLog(log: OrderLog, stream: number, store: OrderStore): Promise<void> {
    const position = store.position(stream);
    if (!position) return;
    for (let look = 1; ; look++) {
      const { id, lastSequence } = await log.state();
      if (id !== undefined && position.log !== null && id !== position.log)
        throw new FileUnusable(`it is about the log ${position.log}, not ${id}`);
      if (lastSequence >= position.sequence) break;
      if (look === LOOKS)
        throw new FileUnusable(`the log went back from ${position.sequence} to ${lastSequence}`);
      await this.options.clock.sleep(AGAIN_MS);
    }
    const found = await log.readAt(position.mark);
    if (found && found.at !== position.markedAt)
      throw new FileUnusable(`the message ${position.mark} of the log is not the one that was folded`);
  }

  private async refused(error: unknown): Promise<void> {
    if (isDamage(error)) {
      void this.restart("move", error);
      // The feed is stopped meanwhile.
      return await this.options.clock.sleep(AGAIN_MS);
    }
    if (error instanceof Unavailable) return await this.options.clock.sleep(AGAIN_MS);
    this.failed(error);
    await this.options.clock.sleep(AGAIN_MS);
    this.reason = undefined;
  }

  private async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    if (!open) return;
    this.foldedBefore += open.feeds.reduce((sum, feed) => sum + feed.folded, 0);
    await Promise.all(open.feeds.map((feed) => feed.stop()));
    try {
      closeFile(open.database);
    } catch (error) {
      this.options.log.warn({ err: error }, "the file of the list of orders could not be closed in order");
    }
  }
}

/** A page that begins at a cursor has something on its other side. */
function cursorsOf({ listed, more }: Page, sort: Sort, cursor: Cursor | undefined) {
  const at = (edge: Listed | undefined, side: Cursor["side"]): string | null => {
    if (edge) return encodedCursor({ sort, key: edge.key, place: edge.n, side });
    return cursor ? encodedCursor({ ...cursor, side }) : null;
  };
  const isBack = cursor?.side === "previous";
  return {
    nextCursor: more || isBack ? at(listed.at(-1), "next") : null,
    previousCursor: cursor && (more || !isBack) ? at(listed[0], "previous") : null,
  };
}
