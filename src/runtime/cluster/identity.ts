/**
 * One process for each node id: the presence entry of the node names the process that holds the id, and changes by
 * compare-and-set only. A second process with the id is refused; one that has ended is replaced.
 * Owns: the presence entry of this node.  Does not own: when it is refreshed (presence.ts).
 * Invariants
 *   identity.I1. The entry changes only from one of this process to the next, or from that of a process that has ended
 *       (holder-observation.ts). It is deleted only while it is of this process.
 *   identity.I2. A process that finds the entry of another process in place of its own never writes the entry again.
 *   identity.I3. A process that answers for the id itself asks for no answer: it could be its own.
 * Of two processes that claim one id at once, the server stores the claim of one. A wrong decision about a process that
 * was not connected costs it its id, and no data: the fences protect it (ADR 2).
 * Proved by: test/unit/runtime/cluster/identity.test.ts, test/process/several-nodes.test.ts
 * A crash leaves an entry that no process renews: the next process of the node replaces it.
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import { limits, stopping } from "../limits.ts";
import { type Bucket, type Bus, type BusAnswer, type Clock, Unavailable } from "../ports.ts";
import type { Subjects } from "../subjects.ts";
import { HolderObservation } from "./holder-observation.ts";
import { IdentityTaken } from "./identity-taken.ts";
import { type NodeEntry, readEntry } from "./presence.ts";

/** What the identity needs from its node. `ttlMs`: the life of a presence entry. */
export type IdentityOptions = {
  readonly subjects: Pick<Subjects, "ping">;
  readonly node: string;
  readonly boot: string;
  readonly nodes: Bucket;
  readonly bus: Pick<Bus, "request">;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** Called once: another process has claimed this node's id. */
  readonly onTaken: (taken: IdentityTaken) => void;
  readonly failpoints?: Failpoints | undefined;
};

/** The revision to write the entry on. 0: there is none. `own`: the entry is of this process already. */
type Vacancy = { readonly revision: number; readonly own: boolean };

const ROUND_MS = 100;
const PING_TIMEOUT_MS = 200;
/** Requests to a process that has ended find no responders for this time: two attempts to connect again fit. */
const CONFIRM_MS = 2 * (limits.reconnectWaitMs + limits.reconnectJitterMs);
const SILENT_REQUESTS = 3;
const notAsked: BusAnswer = { status: "unanswered", reason: "not asked" };
/** Attempts of one heartbeat: another one of this process may have been stored meanwhile. */
const TRIES = 3;

/** See the top of the file. */
export class Identity {
  private readonly options: IdentityOptions;
  private vacancy: Vacancy | undefined;
  /** Of the newest entry of this process that is known to be stored; 0: it has gone; undefined before the claim. */
  private revision: number | undefined;
  /** The highest revision that an entry of this process had. */
  private highest = 0;
  private taken: IdentityTaken | undefined;

  constructor(options: IdentityOptions) {
    this.options = options;
  }

  /**
   * Waits until no other process has the id; nothing is written. Called before this process answers for it. Resolves at
   * once when there is no entry and no process answers; after 0.3 s when the process of the entry was killed; after
   * `ttlMs` when it is frozen or its machine is gone. A process that leaves is waited for.
   * @throws IdentityTaken; Unavailable (retryable)
   */
  async vacant(): Promise<void> {
    this.vacancy = await this.findVacancy(true);
  }

  /**
   * Makes the entry that of this process, after `vacant`. @throws IdentityTaken; Unavailable (retryable): it may be
   * stored
   */
  async claim(entry: string): Promise<void> {
    const { clock, failpoints, node, nodes } = this.options;
    const begun = clock.monotonic();
    for (let from = this.vacancy; ; from = await this.findVacancy(false)) {
      if (from?.own) return this.keep(from.revision);
      if (from) {
        const { revision } = from;
        const result = await failpoint(failpoints, "identity.claim", () =>
          nodes.update(node, entry, revision),
        );
        if (result.status === "stored") return this.keep(result.revision);
        // Stored after all, or another process was quicker: the entry shows it.
        if (result.status === "unanswered" && clock.monotonic() - begun >= this.limitMs())
          throw new Unavailable(`the id of the node could not be claimed: ${result.reason}`);
      }
    }
  }

  /** A heartbeat: writes the entry again. @throws Unavailable (retryable), also when the id is not this process's */
  async renew(entry: string): Promise<void> {
    const { node, nodes } = this.options;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const expected = this.revision;
      if (expected === undefined || this.taken) throw new Unavailable("this process does not hold the id");
      const result = await nodes.update(node, entry, expected);
      if (result.status === "unanswered") throw new Unavailable(`put ${node}: ${result.reason}`);
      if (result.status === "stored") {
        // Otherwise a later heartbeat was answered before.
        if (this.revision === expected) this.keep(result.revision);
        return;
      }
      await this.readBack();
    }
    throw new Unavailable(`put ${node}: other heartbeats of this process were stored meanwhile`);
  }

  /** Deletes the entry of this process, and no other. @throws Unavailable (retryable) */
  async release(): Promise<void> {
    if (this.revision === undefined) return;
    // A heartbeat may have been stored without an answer.
    await this.readBack();
    if (this.revision === 0 || this.taken) return;
    await this.options.nodes.delete(this.options.node, this.revision);
  }

  /** The bucket shows an entry of this node. */
  saw(entry: NodeEntry, revision: number): void {
    // An entry of an earlier process may be delivered late.
    const isOlder = this.revision === undefined || revision <= this.highest;
    if (!isOlder && entry.boot !== this.options.boot) this.lose(entry);
  }

  /** Whether another process has claimed the id after this one. */
  isTaken(): boolean {
    return this.taken !== undefined;
  }

  private async findVacancy(asks: boolean): Promise<Vacancy> {
    const { boot, clock, node, ttlMs } = this.options;
    const begun = clock.monotonic();
    const bounds = {
      confirmMs: CONFIRM_MS,
      requests: SILENT_REQUESTS,
      ttlMs,
      leavingMs: stopping.processMs,
    };
    const observation = new HolderObservation(bounds, begun);
    for (;;) {
      const held = await this.read();
      if (held?.entry?.boot === boot) return { revision: held.revision, own: true };
      const answer = asks ? await this.ask() : notAsked;
      const now = clock.monotonic();
      const verdict = observation.judge({
        held: held && { revision: held.revision, leaving: held.entry?.leaving === true },
        answer: answer.status,
        now,
      });
      if (verdict === "ended") return { revision: held?.revision ?? 0, own: false };
      if (verdict === "lives")
        throw IdentityTaken.inUse(
          node,
          held?.entry,
          answer.status === "answered" ? answer.payload : undefined,
        );
      if (now - begun >= this.limitMs()) throw new Unavailable("it is not known whether the id is in use");
      await clock.sleep(ROUND_MS);
    }
  }

  private async ask(): Promise<BusAnswer> {
    const { bus, failpoints, node, subjects } = this.options;
    return await failpoint(failpoints, "identity.ask", () =>
      bus.request(subjects.ping(node), "", PING_TIMEOUT_MS),
    );
  }

  /** The entry is perhaps not at the revision that this process knows. */
  private async readBack(): Promise<void> {
    const held = await this.read();
    // Expired, deleted, or lost with a server that had it in memory: the next write makes it anew.
    if (!held) this.revision = 0;
    // An entry that cannot be read is of no process.
    else if (!held.entry || held.entry.boot === this.options.boot) this.keep(held.revision);
    else this.lose(held.entry);
  }

  private keep(revision: number): void {
    this.revision = revision;
    this.highest = Math.max(this.highest, revision);
  }

  private lose(holder: NodeEntry | undefined): void {
    if (this.taken) return;
    this.taken = IdentityTaken.claimed(this.options.node, holder);
    this.options.onTaken(this.taken);
  }

  /** `entry`: undefined when it cannot be read. */
  private async read(): Promise<
    { readonly revision: number; readonly entry: NodeEntry | undefined } | undefined
  > {
    const { failpoints, node, nodes } = this.options;
    const stored = await failpoint(failpoints, "identity.read", () => nodes.get(node));
    return stored && { revision: stored.revision, entry: readEntry(stored.value) };
  }

  /** The longest wait: for a process that leaves, and for the life of an entry that was renewed once. */
  private limitMs(): number {
    return stopping.processMs + 2 * this.options.ttlMs;
  }
}
