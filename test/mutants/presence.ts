import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/cluster";
const presence = { file: "src/runtime/cluster/presence.ts", tests: [`${folder}/presence-bounds.test.ts`] };
const presenceClock = {
  file: "src/runtime/cluster/presence.ts",
  tests: [`${folder}/presence-clock.test.ts`, "test/unit/runtime/clocks.test.ts"],
};
const blindness = { file: "src/runtime/cluster/presence.ts", tests: [`${folder}/presence.test.ts`] };

/** Who is present, as each node sees it. */
export const presenceMutants: readonly Mutant[] = [
  {
    id: "cluster-presence-valid-by-the-wall-clock",
    does: "How long the own entry is valid is measured by the wall clock.",
    ...presenceClock,
    find: `    return this.refreshedAt + ttlMs * VALID_SHARE - clock.monotonic();
  }`,
    replace: `    return this.refreshedAt + this.offset() + ttlMs * VALID_SHARE - clock.now();
  }

  private readonly startedAhead = { ms: Number.NaN };

  /** The wall clock at the start, less monotonic time. */
  private offset(): number {
    const { clock } = this.options;
    if (Number.isNaN(this.startedAhead.ms)) this.startedAhead.ms = clock.now() - clock.monotonic();
    return this.startedAhead.ms;
  }`,
  },
  {
    id: "cluster-presence-peers-by-the-wall-clock",
    does: "How long a peer is present is measured by the wall clock.",
    ...presenceClock,
    find: "return this.seenUntil() - other.seenAt < this.options.ttlMs;",
    replace: `const { clock, ttlMs } = this.options;
    return this.seenUntil() + clock.now() - clock.monotonic() - (other.entry.startedAt || 1_767_225_600_000) - other.seenAt < ttlMs;`,
  },
  {
    id: "cluster-presence-heard-by-the-wall-clock",
    does: "When a heartbeat arrived is measured by the wall clock.",
    ...presenceClock,
    find: "const heardAt = this.options.clock.monotonic();",
    replace: "const heardAt = this.options.clock.now() - 1_767_225_600_000;",
  },
  {
    id: "cluster-presence-reconnected-by-the-wall-clock",
    does: "When the node connected again is measured by the wall clock.",
    ...presenceClock,
    find: `  reconnected(): void {
    const now = this.options.clock.monotonic();`,
    replace: `  reconnected(): void {
    const now = this.options.clock.now() - 1_767_225_600_000;`,
  },
  {
    id: "cluster-presence-valid-for-all-its-life",
    does: "A node acts as an owner until the others may act.",
    ...presence,
    find: "const VALID_SHARE = 0.8;",
    replace: "const VALID_SHARE = 1;",
  },
  {
    id: "cluster-presence-valid-at-its-end",
    does: "A node acts as an owner at the very end of its validity.",
    ...presence,
    find: "return this.validForMs() > 0;",
    replace: "return this.validForMs() >= 0;",
  },
  {
    id: "cluster-presence-counts-from-the-answer",
    does: "The validity of the own entry begins when its write is answered.",
    ...presence,
    find: "this.refreshedAt = Math.max(this.refreshedAt, begun);",
    replace: "this.refreshedAt = Math.max(this.refreshedAt, begun, clock.monotonic());",
  },
  {
    id: "cluster-presence-late-answer-counts-back",
    does: "The late answer of an earlier heartbeat shortens the validity of the entry.",
    ...presence,
    find: "this.refreshedAt = Math.max(this.refreshedAt, begun);",
    replace: "this.refreshedAt = begun;",
  },
  {
    id: "cluster-presence-regained-is-not-noticed",
    does: "Presence that ran out and is back is taken for presence that never ran out.",
    ...presence,
    find: `    // The server did not answer for a while, perhaps not to the other nodes either.
    if (!this.valid()) {`,
    replace: `    this.refreshedAt = Math.max(this.refreshedAt, begun);
    if (!this.valid()) {`,
  },
  {
    id: "cluster-presence-regained-judges-peers-at-once",
    does: "A node whose presence ran out judges its peers by what it did not receive.",
    ...presence,
    find: `      this.reconnected();
      this.options.onRegained();`,
    replace: "      this.options.onRegained();",
  },
  {
    id: "cluster-presence-heartbeats-wait-for-answers",
    does: "A lost heartbeat delays the next one.",
    ...presence,
    find: `      this.refresh().catch((error: unknown) =>
        this.options.log.warn({ err: error }, "presence could not be refreshed"),
      );
      this.tick();`,
    replace: `      void this.refresh()
        .catch((error: unknown) => this.options.log.warn({ err: error }, "presence could not be refreshed"))
        .finally(() => this.tick());`,
  },
  {
    id: "cluster-presence-expired-entries-revive",
    does: "An expired peer is present again after the next interruption.",
    ...presence,
    find: "    } else this.forgetExpired();",
    replace: "    } else if (this.leaving) this.forgetExpired();",
  },
  {
    id: "cluster-presence-peer-stays-a-moment-longer",
    does: "A peer is present at the very end of its time to live.",
    ...presence,
    find: "return this.seenUntil() - other.seenAt < this.options.ttlMs;",
    replace: "return this.seenUntil() - other.seenAt <= this.options.ttlMs;",
  },
  {
    id: "cluster-presence-unknown-node-never-ends",
    does: "The lock of a node that was never seen is not taken over.",
    ...presence,
    find: "return this.seenUntil() - this.seeingSince < this.options.ttlMs;",
    replace: "return this.seenUntil() >= this.seeingSince;",
  },
  {
    id: "cluster-presence-unknown-node-is-gone-at-once",
    does: "A starting node takes the locks of nodes that it has not seen yet.",
    ...presence,
    find: "return this.seenUntil() - this.seeingSince < this.options.ttlMs;",
    replace: "return this.seenUntil() < this.seeingSince;",
  },
  {
    id: "cluster-presence-earlier-process-is-alive",
    does: "The lock of an earlier process of a node is kept for it.",
    ...presence,
    find: "if (other) return other.entry.boot === boot && this.isPresent(id);",
    replace: 'if (other) return boot !== "" && this.isPresent(id);',
  },
  {
    id: "cluster-presence-leaving-node-gets-a-share",
    does: "A node that leaves is assigned resources.",
    ...presence,
    find: "if (id !== own && !entry.leaving && this.isPresent(id)) ids.push(id);",
    replace: "if (id !== own && entry.id !== own && this.isPresent(id)) ids.push(id);",
  },
  {
    id: "cluster-presence-leaving-assigns-itself-a-share",
    does: "A node that leaves counts itself as present.",
    ...presence,
    find: "this.leaving || this.others.get(own)?.entry.leaving ? [] : [own];",
    replace: "[own];",
  },
  {
    id: "cluster-presence-leaving-is-no-change",
    does: "The share of a node that leaves is not redistributed until its next event.",
    ...presence,
    find: "const isNew = before?.boot !== entry.boot || before.leaving !== entry.leaving;",
    replace: "const isNew = before?.boot !== entry.boot;",
  },
  {
    id: "cluster-presence-next-process-is-no-change",
    does: "A node that comes back as another process is not noticed.",
    ...presence,
    find: "const isNew = before?.boot !== entry.boot || before.leaving !== entry.leaving;",
    replace: "const isNew = !before || before.leaving !== entry.leaving;",
  },
  {
    id: "cluster-presence-return-is-no-change",
    does: "An expired peer that is back is not noticed.",
    ...presence,
    find: "const before = this.isPresent(key) ? this.others.get(key)?.entry : undefined;",
    replace: "const before = this.others.get(key)?.entry;",
  },
  {
    id: "cluster-presence-deleted-entry-stays",
    does: "A node that has ended properly counts as present.",
    ...presence,
    find: `      this.others.delete(key);
      this.options.onChange();
      return;`,
    replace: `      this.options.onChange();
      return;`,
  },
  {
    id: "cluster-presence-deletion-is-no-change",
    does: "The locks of a node that has ended are not taken over until the next review.",
    ...presence,
    find: `      this.others.delete(key);
      this.options.onChange();
      return;`,
    replace: `      this.others.delete(key);
      return;`,
  },
  {
    id: "cluster-presence-any-process-is-declared-dead",
    does: "A new process is declared dead for an earlier one.",
    ...presence,
    find: "    if (this.others.get(id)?.entry.boot !== boot) return;\n",
    replace: '    if (!this.others.has(id) || boot === "") return;\n',
  },
  {
    id: "cluster-presence-dead-node-is-no-change",
    does: "A dead node's locks wait for the next review.",
    ...presence,
    find: `    this.others.delete(id);
    this.options.onChange();
  }`,
    replace: `    this.others.delete(id);
  }`,
  },
  {
    id: "cluster-presence-further-heartbeat-once",
    does: "A further heartbeat that fails is the last one.",
    ...presence,
    find: `      .catch(() => {})
      .finally(() => {
        this.refreshingSoon = false;
      });`,
    replace: `      .then(() => {
        this.refreshingSoon = false;
      })
      .catch(() => {});`,
  },
  {
    id: "cluster-presence-further-heartbeats-pile-up",
    does: "Every request of the failure detector sends a heartbeat.",
    ...presence,
    find: "    if (this.refreshingSoon) return;\n",
    replace: "    if (this.refreshingSoon && this.stopped) return;\n",
  },
  {
    id: "cluster-presence-unreadable-entry-ends-a-node",
    does: "An unreadable entry counts as a heartbeat of another process.",
    ...presence,
    find: `const isNode = typeof id === "string" && typeof boot === "string" &&`,
    replace: `const isNode = typeof id === "string" &&`,
  },
  {
    id: "cluster-presence-incompatible-after-its-end",
    does: "A node that is gone keeps resources from the others.",
    ...presence,
    find: "if (entry.unfit && entry.unfit.length > 0 && this.isPresent(id)) incompatible.set(id, entry.unfit);",
    replace: "if (entry.unfit && entry.unfit.length > 0) incompatible.set(id, entry.unfit);",
  },
  {
    id: "cluster-presence-heartbeats-after-the-stop",
    does: "A node that has stopped sends heartbeats.",
    ...presence,
    find: `    this.stopped = true;
    this.cancel();`,
    replace: "    if (this.leaving) this.cancel();",
  },
  {
    id: "cluster-presence-judges-while-blind",
    does: "Peers are judged while this node receives nothing.",
    ...blindness,
    find: "return Math.min(now, (this.ownHeardAt ?? now) + this.options.refreshMs);",
    replace: "return Math.max(now, (this.ownHeardAt ?? now) + this.options.refreshMs);",
  },
  {
    id: "cluster-presence-long-silence-is-no-interruption",
    does: "After a long silence peers are judged by the first heartbeat of this node.",
    ...blindness,
    find: "if (silentMs >= this.options.ttlMs * VALID_SHARE) this.reconnected();",
    replace: "if (silentMs < 0) this.reconnected();",
  },
  {
    id: "cluster-presence-reconnected-forgets-the-peers-time",
    does: "A new connection does not give peers a full time to live.",
    ...presence,
    find: "    for (const other of this.others.values()) other.seenAt = now;\n",
    replace: "",
  },
];
