/**
 * Compares this node's settings with those of the cluster, at the start and at every heartbeat: one entry in a bucket,
 * which the first node writes.
 * Owns: the entry, as far as this node writes it, and what it knows of the difference.
 * Does not own: the settings, readiness.
 * Invariants
 *   agreement.G1. A node with other settings does not start, unless no other node is present, or the operator has named
 *       the very entry that it replaces. The entry changes by compare-and-set only.
 *   agreement.G2. A node that runs with other settings says so (`state`), unless they are the former ones of a change
 *       that was made while nodes ran.
 *   agreement.G3. What this program does not know in the entry stays in it, and is not compared.
 * Proved by: test/unit/runtime/cluster/settings-agreement.test.ts, test/process/several-nodes.test.ts
 * A crash leaves the entry, or none: the next node that starts writes it.
 */
import { type Failpoints, failpoint } from "../failpoints.ts";
import { type Bucket, type BucketEntry, type Clock, type Ids, type Log, Unavailable } from "../ports.ts";
import {
  differences,
  hasMore,
  readSettings,
  type SettingsSet,
  type SharedSettings,
  type StoredSettings,
} from "./shared-settings.ts";

/** What the agreement needs from its node. */
export type AgreementOptions = {
  readonly shared: SharedSettings;
  readonly node: string;
  readonly bucket: Bucket;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Interval of the comparisons, ms. */
  readonly everyMs: number;
  /** Ids of the other nodes that are present and do not leave. */
  readonly others: () => readonly string[];
  readonly failpoints?: Failpoints | undefined;
};

/** How this node's settings compare. `outdated`: they are those before a change that is under way. */
export type AgreementState = {
  readonly status: "equal" | "outdated" | "different";
  /** For people, one line. */
  readonly detail: string;
};

/** This node may not start: its settings are not those of the cluster. Not retryable; the message names each. */
export class SettingsDiffer extends Error {
  override readonly name = "SettingsDiffer";
}

/** Key of the entry. */
const KEY = "shared";
/** Writes that other nodes, or lost answers, may make in vain. */
const TRIES = 10;

const EQUAL: AgreementState = { status: "equal", detail: "equal to those of the cluster" };

/** See the top of the file. */
export class SettingsAgreement {
  private readonly options: AgreementOptions;
  private current: AgreementState = EQUAL;
  private digested: { readonly salt: string; readonly set: SettingsSet } | undefined;
  private cancel: () => void = () => {};
  private stopped = false;

  constructor(options: AgreementOptions) {
    this.options = options;
  }

  /** Compares, and writes the entry where that is right. @throws SettingsDiffer; Unavailable (retryable) */
  async join(): Promise<void> {
    for (let attempt = 1; attempt <= TRIES; attempt++) if (await this.agree()) return;
    throw new Unavailable(`the settings could not be compared with those of the cluster in ${TRIES} tries`);
  }

  /**
   * Compares once more, now that the other nodes see this one, and then again and again.
   * @throws SettingsDiffer: another node with other settings has started at the same time
   */
  async start(): Promise<void> {
    await this.compare();
    if (this.current.status === "different") throw new SettingsDiffer(this.current.detail);
    this.tick();
  }

  /** Ends the comparisons. */
  stop(): void {
    this.stopped = true;
    this.cancel();
  }

  /** As of the last comparison that was answered. */
  state(): AgreementState {
    return this.current;
  }

  private tick(): void {
    if (this.stopped) return;
    this.cancel = this.options.clock.after(this.options.everyMs, () => {
      void this.compare().then(() => this.tick());
    });
  }

  /** One comparison of a running node. While the server does not answer, the last result is kept. */
  private async compare(): Promise<void> {
    try {
      const entry = await this.read();
      const stored = entry && readSettings(entry.value);
      if (stored) this.note(await this.stateFor(stored));
      // Deleted, or damaged: every node that agreed with it knows what belongs there.
      else if (this.current.status === "equal") await this.write(await this.newEntry(), entry?.revision ?? 0);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    }
  }

  private async stateFor(stored: StoredSettings): Promise<AgreementState> {
    const own = await this.ownSet(stored.salt);
    const found = differences(own, stored);
    if (found.length === 0) return EQUAL;
    const detail = `${found.join("; ")} (set by ${stored.node} at ${stored.at})`;
    if (stored.former && differences(own, stored.former).length === 0)
      return { status: "outdated", detail: `start this node again with the new settings: ${detail}` };
    return { status: "different", detail };
  }

  private note(state: AgreementState): void {
    if (state.detail === this.current.detail) return;
    this.current = state;
    const fields = { settings: state.detail };
    if (state.status === "equal") this.options.log.info(fields, "settings are those of the cluster again");
    else this.options.log.warn(fields, "settings are not those of the cluster");
  }

  /** One attempt. @returns whether this node agrees with the entry */
  private async agree(): Promise<boolean> {
    const { log, node, others, shared } = this.options;
    const entry = await this.read();
    const stored = entry && readSettings(entry.value);
    if (!entry || !stored) return await this.write(await this.newEntry(), entry?.revision ?? 0);
    const own = await this.ownSet(stored.salt);
    const found = differences(own, stored);
    if (found.length === 0) {
      if (!hasMore(own, stored)) return true;
      return await this.write({ ...stored, ...merged(stored, own) }, entry.revision);
    }
    const present = others();
    const isNamed = shared.replaces === entry.revision;
    if (present.length > 0 && !isNamed)
      throw new SettingsDiffer(refusal(found, stored, entry.revision, present));
    const { former: _former, ...before } = stored;
    const next: StoredSettings = {
      ...before,
      ...merged(stored, own),
      node,
      at: this.now(),
      // Nodes that run with them go on until they are started again.
      ...(present.length > 0 ? { former: { values: stored.values, digests: stored.digests } } : {}),
    };
    const isStored = await this.write(next, entry.revision);
    if (isStored) log.warn({ settings: found }, "settings of the cluster replaced by those of this node");
    return isStored;
  }

  private async newEntry(): Promise<StoredSettings> {
    const salt = this.digested?.salt ?? this.options.ids.next();
    return { ...(await this.ownSet(salt)), salt, node: this.options.node, at: this.now() };
  }

  private async ownSet(salt: string): Promise<SettingsSet> {
    if (this.digested?.salt !== salt) {
      const { values, digests } = this.options.shared;
      this.digested = { salt, set: { values, digests: await digests(salt) } };
    }
    return this.digested.set;
  }

  private async read(): Promise<BucketEntry | undefined> {
    const { bucket, failpoints } = this.options;
    return await failpoint(failpoints, "settings.read", () => bucket.get(KEY));
  }

  /** Without an answer, or when another node was quicker, the next reading shows what is stored. */
  private async write(stored: StoredSettings, revision: number): Promise<boolean> {
    const { bucket, failpoints } = this.options;
    const result = await failpoint(failpoints, "settings.write", () =>
      bucket.update(KEY, JSON.stringify(stored), revision),
    );
    return result.status === "stored";
  }

  private now(): string {
    return new Date(this.options.clock.now()).toISOString();
  }
}

const merged = (stored: SettingsSet, own: SettingsSet): SettingsSet => ({
  values: { ...stored.values, ...own.values },
  digests: { ...stored.digests, ...own.digests },
});

function refusal(
  found: readonly string[],
  { at, node }: StoredSettings,
  revision: number,
  present: readonly string[],
): string {
  return [
    `the settings of this node are not those of the cluster (set by ${node} at ${at}):`,
    ...found.map((one) => `  - ${one}`),
    `start it with the settings of the cluster; or, to change them, stop all nodes (now: ${present.join(", ")}) and start ` +
      "them with the new settings; or start one node after the other again with the new settings and " +
      `ORDERLY_SETTINGS_CHANGE=${revision}`,
  ].join("\n");
}
