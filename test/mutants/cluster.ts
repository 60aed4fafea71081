import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/cluster";
const node = "src/runtime/node.ts";
const wiring = { file: node, tests: ["test/unit/runtime/node.test.ts"] };
const verificationWiring = { file: node, tests: [`${folder}/verification-wiring.test.ts`] };
const suspicionWiring = { file: node, tests: [`${folder}/suspicion-wiring.test.ts`] };
const presence = { file: "src/runtime/cluster/presence.ts", tests: [`${folder}/presence-bounds.test.ts`] };
const presenceClock = {
  file: "src/runtime/cluster/presence.ts",
  tests: [`${folder}/presence-clock.test.ts`, "test/unit/runtime/clocks.test.ts"],
};
const blindness = { file: "src/runtime/cluster/presence.ts", tests: [`${folder}/presence.test.ts`] };
const suspicion = { file: "src/runtime/cluster/suspicion.ts", tests: [`${folder}/suspicion.test.ts`] };
const detector = {
  file: "src/runtime/cluster/failure-detector.ts",
  tests: [`${folder}/failure-detector.test.ts`],
};
const connectivity = {
  file: "src/runtime/cluster/connectivity.ts",
  tests: [`${folder}/connectivity.test.ts`],
};
const verification = {
  file: "src/runtime/cluster/lock-verification.ts",
  tests: [`${folder}/lock-verification.test.ts`],
};
const ownership = {
  file: "src/runtime/cluster/ownership.ts",
  tests: [`${folder}/ownership-rules.test.ts`, `${folder}/ownership.test.ts`],
};
const stopping = { file: "src/runtime/cluster/ownership.ts", tests: [`${folder}/ownership-stop.test.ts`] };
const assignment = { file: "src/runtime/cluster/assignment.ts", tests: [`${folder}/assignment.test.ts`] };

/** Who is present, who is dead, who holds which lock, and what a node may answer under it. */
export const clusterMutants: readonly Mutant[] = [
  {
    id: "cluster-node-regained-presence-verifies-nothing",
    does: "A node whose presence ran out and is back on the same connection reads under locks that others may have.",
    ...verificationWiring,
    find: "onRegained: () => this.ownership.verifyLocks(),",
    replace: "onRegained: () => {},",
  },
  {
    id: "cluster-node-new-connection-verifies-nothing",
    does: "A node that has connected again reads under locks that others may have.",
    ...verificationWiring,
    find: `      this.presence.reconnected();
      this.ownership.verifyLocks();`,
    replace: "      this.presence.reconnected();",
  },
  {
    id: "cluster-node-new-connection-judges-at-once",
    does: "A node that has connected again counts peers as dead that are still connecting.",
    ...suspicionWiring,
    find: `      this.presence.reconnected();
      this.ownership.verifyLocks();`,
    replace: "      this.ownership.verifyLocks();",
  },
  {
    id: "cluster-node-reads-while-its-presence-has-run-out",
    does: "An owner whose presence has run out answers readers of other nodes.",
    ...verificationWiring,
    find: "if (lost !== undefined || this.ownership.isVerified(lock)) return lost;",
    replace:
      "if (this.ownership.isVerified(lock)) return undefined;\n    if (lost !== undefined) return lost;",
  },
  {
    id: "cluster-node-reads-under-an-unverified-lock",
    does: "A node that is connected reads under every lock that it holds.",
    ...verificationWiring,
    find: "if (lost !== undefined || this.ownership.isVerified(lock)) return lost;",
    replace:
      "if (lost !== undefined || this.ownership.isVerified(lock) || this.ownership.held().length > 0) return lost;",
  },
  {
    id: "cluster-node-writes-while-its-presence-has-run-out",
    does: "An owner whose presence has run out takes commands of other nodes.",
    ...verificationWiring,
    find: "isolation: () => this.connectivity.isolation(),\n      unverified",
    replace: "isolation: () => undefined,\n      unverified",
  },
  {
    id: "cluster-node-moved-lock-is-not-reported",
    does: "A rejected commit does not end a tenure whose lock has moved.",
    ...wiring,
    find: "onLockMoved: (lock) => this.ownership.moved(lock),",
    replace: "onLockMoved: () => {},",
  },
  {
    id: "cluster-node-keeps-the-outbox-of-an-earlier-run",
    does: "What an earlier run left in the outbox stays there.",
    ...wiring,
    find: "      outbox.remove(leftover);\n",
    replace: "",
  },
  {
    id: "cluster-node-is-visible-before-it-knows-the-locks",
    does: "A node announces itself before it has read the locks.",
    ...wiring,
    find: `    await this.ownership.start();
    // Now that the locks are known: the others hand over as soon as they see this node.
    await this.presence.announce();`,
    replace: `    await this.presence.announce();
    await this.ownership.start();`,
  },
  {
    id: "cluster-node-is-visible-before-it-answers",
    does: "A node announces itself before it answers pings, and looks dead.",
    ...wiring,
    find: `    await this.detector.start();
    await this.ownership.start();
    // Now that the locks are known: the others hand over as soon as they see this node.
    await this.presence.announce();`,
    replace: `    await this.ownership.start();
    await this.presence.announce();
    await this.detector.start();`,
  },
  {
    id: "cluster-node-writes-no-checkpoints",
    does: "The checkpoints of a node are not written.",
    ...wiring,
    find: "    this.checkpointWriter.start();\n",
    replace: "",
  },
  {
    id: "cluster-node-writes-checkpoints-all-the-time",
    does: "Checkpoints are written twenty times a second.",
    ...wiring,
    find: "const CHECKPOINT_EVERY_MS = 1000;",
    replace: "const CHECKPOINT_EVERY_MS = 50;",
  },
  {
    id: "cluster-node-leaves-without-a-word",
    does: "A node that leaves does not announce it, and the others wait for its presence to end.",
    ...wiring,
    find: "    await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.leaveMs)]);\n",
    replace: "    await this.options.clock.sleep(stopping.leaveMs / 100);\n",
  },
  {
    id: "cluster-node-releases-before-it-leaves",
    does: "A node releases its locks before it has announced that it leaves.",
    ...wiring,
    find: `    await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.leaveMs)]);
    await this.ownership.stop();`,
    replace: `    await this.ownership.stop();
    await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.leaveMs)]);`,
  },
  {
    id: "cluster-node-hands-over-twice",
    does: "A second hand-over begins anew.",
    ...wiring,
    find: "this.handingOver ??= this.leave();",
    replace: "this.handingOver = this.leave();",
  },
  {
    id: "cluster-node-stops-without-handing-over",
    does: "A node that stops keeps its locks.",
    ...wiring,
    find: `    await this.handOver();
    this.stopped = true;`,
    replace: "    this.stopped = true;",
  },
  {
    id: "cluster-node-stopped-checkpoints-go-on",
    does: "A node that has stopped leaves the timer of its checkpoints.",
    ...wiring,
    find: "    this.checkpointWriter.stop();\n",
    replace: "",
  },
  {
    id: "cluster-node-stopped-detector-goes-on",
    does: "A node that has stopped answers pings.",
    ...wiring,
    find: "await Promise.all([this.detector.stop(), this.presence.stop()]);",
    replace: "await this.presence.stop();",
  },
  {
    id: "cluster-node-waits-for-its-farewell",
    does: "A node whose server is silent waits for the answer to its farewell.",
    file: node,
    find: "await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.leaveMs)]);",
    replace: "await Promise.race([this.presence.leave(), this.options.clock.sleep(stopping.handOverMs)]);",
    tests: ["test/unit/runtime/node.test.ts"],
  },
  {
    id: "cluster-node-callers-wait-while-it-leaves",
    does: "Callers of a node that leaves wait as long as they asked for.",
    file: node,
    find: "    this.connectivity.leave();\n",
    replace: "",
    tests: ["test/unit/runtime/leaving.test.ts"],
  },
  {
    id: "cluster-node-answers-pings-with-another-boot",
    does: "The boot id in the answers to pings is not that of the presence entry.",
    ...wiring,
    find: "new FailureDetector({ ...options, presence, boot })",
    replace: "new FailureDetector({ ...options, presence, boot: options.ids.next() })",
  },
  {
    id: "cluster-node-presence-lives-as-long-as-a-heartbeat",
    does: "The node takes the interval of heartbeats for the life of presence.",
    ...wiring,
    find: "ttlMs: options.presenceTtlMs,",
    replace: "ttlMs: options.presenceRefreshMs * 6,",
  },
  {
    id: "cluster-node-entry-is-named-by-its-details",
    does: "Details of a node replace its id.",
    ...wiring,
    find: `      ...this.options.details,
      id: this.options.node,`,
    replace: `      id: this.options.node,
      ...this.options.details,`,
  },
  {
    id: "cluster-node-entry-does-not-show-lags",
    does: "The entry shows no partition that lags.",
    ...wiring,
    find: "(found.lag() > 0 ? [[partition, found.lag()]] : [])",
    replace: "(found.lag() > 1 ? [[partition, found.lag()]] : [])",
  },
  {
    id: "cluster-node-every-partition-keeps-all-actors",
    does: "A node keeps as many actors in memory for each partition as for all.",
    ...wiring,
    find: "idleActors: Math.ceil(options.idleActors / options.partitions),",
    replace: "idleActors: options.idleActors,",
  },
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
    find: "const ids = this.leaving ? [] : [own];",
    replace: "const ids = [own];",
  },
  {
    id: "cluster-presence-leaving-is-no-change",
    does: "The share of a node that leaves is not redistributed until its next event.",
    ...presence,
    find: "if (before?.boot !== entry.boot || before.leaving !== entry.leaving) this.options.onChange();",
    replace: "if (before?.boot !== entry.boot) this.options.onChange();",
  },
  {
    id: "cluster-presence-next-process-is-no-change",
    does: "A node that comes back as another process is not noticed.",
    ...presence,
    find: "if (before?.boot !== entry.boot || before.leaving !== entry.leaving) this.options.onChange();",
    replace: "if (before?.leaving !== entry.leaving || !before) this.options.onChange();",
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
    replace: "    if (!this.others.has(id)) return;\n",
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
    replace: "",
  },
  {
    id: "cluster-presence-unreadable-entry-ends-a-node",
    does: "An unreadable entry counts as a heartbeat of another process.",
    ...presence,
    find: `const isNode = typeof entry?.["id"] === "string" && typeof entry["boot"] === "string";`,
    replace: `const isNode = typeof entry?.["id"] === "string" || typeof entry?.["boot"] === "string";`,
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
    replace: "",
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
  {
    id: "cluster-suspicion-confirmed-later",
    does: "A node that is suspected for exactly the time is not dead.",
    ...suspicion,
    find: "suspicion.until - suspicion.since >= confirmMs",
    replace: "suspicion.until - suspicion.since > confirmMs",
  },
  {
    id: "cluster-suspicion-needs-no-time",
    does: "Three requests in a row are enough.",
    ...suspicion,
    find: "        suspicion.until - suspicion.since >= confirmMs &&\n",
    replace: "        suspicion.until - suspicion.since <= 100 * confirmMs &&\n",
  },
  {
    id: "cluster-suspicion-two-requests",
    does: "Two requests are enough.",
    ...suspicion,
    find: "suspicion.requests >= requests",
    replace: "suspicion.requests >= requests - 1",
  },
  {
    id: "cluster-suspicion-four-requests",
    does: "A dead node is found one round later.",
    ...suspicion,
    find: "suspicion.requests >= requests",
    replace: "suspicion.requests > requests",
  },
  {
    id: "cluster-suspicion-heartbeat-due-later",
    does: "A heartbeat that is exactly due is not missed.",
    ...suspicion,
    find: "now - peer.heardAt >= heartbeatDueMs",
    replace: "now - peer.heardAt > heartbeatDueMs",
  },
  {
    id: "cluster-suspicion-without-the-second-witness",
    does: "A node whose heartbeats arrive counts as dead.",
    ...suspicion,
    find: "        now - peer.heardAt >= heartbeatDueMs &&\n",
    replace: "        now - peer.heardAt >= -heartbeatDueMs &&\n",
  },
  {
    id: "cluster-suspicion-observer-that-does-not-hear-itself",
    does: "A node counts as dead while its observer may not receive heartbeats.",
    ...suspicion,
    find: "liveness.ownHeardAt > suspicion.since",
    replace: "liveness.ownHeardAt >= 0",
  },
  {
    id: "cluster-suspicion-own-heartbeat-at-the-same-moment",
    does: "An own heartbeat of the very beginning counts as one since then.",
    ...suspicion,
    find: "liveness.ownHeardAt > suspicion.since",
    replace: "liveness.ownHeardAt >= suspicion.since",
  },
  {
    id: "cluster-suspicion-heard-before-the-connection",
    does: "A heartbeat of before the new connection counts.",
    ...suspicion,
    find: "peer.heardAt >= liveness.since",
    replace: "peer.heardAt >= 0",
  },
  {
    id: "cluster-suspicion-no-quiet-time",
    does: "An observer judges as soon as it is connected.",
    ...suspicion,
    find: "if (now - liveness.since < quietMs) return [];",
    replace: "if (now - liveness.since < quietMs / 100) return [];",
  },
  {
    id: "cluster-suspicion-quiet-a-moment-longer",
    does: "An observer is quiet at the end of its quiet time.",
    ...suspicion,
    find: "now - liveness.since < quietMs",
    replace: "now - liveness.since <= quietMs",
  },
  {
    id: "cluster-suspicion-all-may-be-dead",
    does: "When all of several peers look dead, all count as dead.",
    ...suspicion,
    find: "    if (peers.length > 1 && silent.length === peers.length) return [];\n",
    replace: "",
  },
  {
    id: "cluster-suspicion-a-lone-peer-is-never-dead",
    does: "The single other node never counts as dead.",
    ...suspicion,
    find: "peers.length > 1 && silent",
    replace: "peers.length > 0 && silent",
  },
  {
    id: "cluster-suspicion-two-may-not-be-dead",
    does: "Two dead nodes of three protect each other.",
    ...suspicion,
    find: "silent.length === peers.length",
    replace: "silent.length > 1",
  },
  {
    id: "cluster-suspicion-of-another-process",
    does: "A new process of a node inherits the suspicion of the earlier one.",
    ...suspicion,
    find: "return suspicion?.boot === peer.boot && now - suspicion.until <= gapMs;",
    replace: "return suspicion !== undefined && now - suspicion.until <= gapMs;",
  },
  {
    id: "cluster-suspicion-requests-of-another-process",
    does: "Requests to an earlier process count for the new one.",
    ...suspicion,
    find: "if (known?.boot === boot && now - known.until <= this.bounds.gapMs) {",
    replace: "if (known && now - known.until <= this.bounds.gapMs) {",
  },
  {
    id: "cluster-suspicion-over-a-long-gap",
    does: "An observer that was suspended counts two requests as one suspicion.",
    ...suspicion,
    find: "if (known?.boot === boot && now - known.until <= this.bounds.gapMs) {",
    replace: "if (known?.boot === boot) {",
  },
  {
    id: "cluster-suspicion-gap-a-moment-shorter",
    does: "Requests at exactly the longest gap are two suspicions.",
    ...suspicion,
    find: "if (known?.boot === boot && now - known.until <= this.bounds.gapMs) {",
    replace: "if (known?.boot === boot && now - known.until < this.bounds.gapMs) {",
  },
  {
    id: "cluster-suspicion-long-ago",
    does: "A suspicion of long ago is judged.",
    ...suspicion,
    find: "return suspicion?.boot === peer.boot && now - suspicion.until <= gapMs;",
    replace: "return suspicion?.boot === peer.boot && now - suspicion.until <= gapMs * 1000;",
  },
  {
    id: "cluster-suspicion-disproved-once-more",
    does: "A node whose heartbeat arrived is suspected anew after a pause.",
    ...suspicion,
    find: "const disproved = known?.boot === boot && known.disproved;",
    replace: "const disproved = known?.boot !== boot && known?.disproved === true;",
  },
  {
    id: "cluster-suspicion-heartbeat-does-not-disprove",
    does: "A heartbeat during a suspicion does not end it.",
    ...suspicion,
    find: "if (peer.heardAt > suspicion.since + IN_FLIGHT_MS) suspicion.disproved = true;",
    replace: "if (peer.heardAt > now + IN_FLIGHT_MS) suspicion.disproved = true;",
  },
  {
    id: "cluster-suspicion-heartbeat-in-flight-disproves",
    does: "The last heartbeat of a dead node, still in flight, protects it until its presence ends.",
    ...suspicion,
    find: "if (peer.heardAt > suspicion.since + IN_FLIGHT_MS) suspicion.disproved = true;",
    replace: "if (peer.heardAt > suspicion.since) suspicion.disproved = true;",
  },
  {
    id: "cluster-suspicion-answer-does-not-end-it",
    does: "An answer does not end a suspicion.",
    ...suspicion,
    find: `  answered(id: string): void {
    this.suspicions.delete(id);`,
    replace: `  answered(id: string): void {
    if (this.suspicions.get(id)?.disproved === true) this.suspicions.delete(id);`,
  },
  {
    id: "cluster-suspicion-of-a-node-that-left",
    does: "A node that left and is back is suspected from the beginning.",
    ...suspicion,
    find: "    this.forgetAllBut(peers);\n",
    replace: "",
  },
  {
    id: "cluster-detector-suspects-for-a-shorter-time",
    does: "A node counts as dead while its client connects again.",
    ...detector,
    find: "confirmMs: limits.suspectedMs,",
    replace: "confirmMs: limits.reconnectWaitMs,",
  },
  {
    id: "cluster-detector-suspects-for-a-longer-time",
    does: "A dead node is found after its presence has ended.",
    ...detector,
    find: "confirmMs: limits.suspectedMs,",
    replace: "confirmMs: limits.suspectedMs * 4,",
  },
  {
    id: "cluster-detector-heartbeat-due-at-its-interval",
    does: "A heartbeat that is a moment late counts as missed.",
    ...detector,
    find: "const HEARTBEAT_SLACK = 1.3;",
    replace: "const HEARTBEAT_SLACK = 1;",
  },
  {
    id: "cluster-detector-no-quiet-time",
    does: "An observer that has just connected judges at once.",
    ...detector,
    find: "const QUIET_MS = 1000;",
    replace: "const QUIET_MS = 100;",
  },
  {
    id: "cluster-detector-long-gap",
    does: "Requests with seconds between them are one suspicion.",
    ...detector,
    find: "const LONGEST_GAP_MS = 4 * ROUND_MS;",
    replace: "const LONGEST_GAP_MS = 40 * ROUND_MS;",
  },
  {
    id: "cluster-detector-timeout-counts",
    does: "A node that does not answer in time is suspected.",
    ...detector,
    find: `    if (answer.status === "unanswered") return;
`,
    replace: "",
  },
  {
    id: "cluster-detector-any-answer-counts",
    does: "Another process with the same node id protects a dead one.",
    ...detector,
    find: "if (answer.payload === peer.boot) this.suspicions.answered(peer.id);",
    replace: 'if (answer.payload !== "") this.suspicions.answered(peer.id);',
  },
  {
    id: "cluster-detector-answers-do-not-count",
    does: "A node that answers again stays suspected.",
    ...detector,
    find: "if (answer.payload === peer.boot) this.suspicions.answered(peer.id);",
    replace: "if (answer.payload === this.options.boot) this.suspicions.answered(peer.id);",
  },
  {
    id: "cluster-detector-asks-once",
    does: "A node whose answer did not arrive in time is never asked again.",
    ...detector,
    find: `    this.asked.delete(peer.id);
    if (this.stopped) return;`,
    replace: `    if (answer.status !== "unanswered") this.asked.delete(peer.id);
    if (this.stopped) return;`,
  },
  {
    id: "cluster-detector-requests-pile-up",
    does: "A node without an answer is asked again in every round.",
    ...detector,
    find: "    this.asked.add(peer.id);\n",
    replace: "",
  },
  {
    id: "cluster-detector-asks-while-disconnected",
    does: "A disconnected node sends requests.",
    ...detector,
    find: "if (bus.connected()) {",
    replace: "if (bus.connected() || !this.stopped) {",
  },
  {
    id: "cluster-detector-ends-while-disconnected",
    does: "The rounds end when the connection is lost.",
    ...detector,
    find: `    if (bus.connected()) {
      for (const peer of this.chosen(presence.peers())) void this.ask(peer);
    }`,
    replace: `    if (!bus.connected()) return;
    for (const peer of this.chosen(presence.peers())) void this.ask(peer);`,
  },
  {
    id: "cluster-detector-asks-the-same-nodes",
    does: "In a large cluster the first eight nodes are asked, and the others never.",
    ...detector,
    find: "    this.cursor += count;\n",
    replace: "    this.cursor += 0;\n",
  },
  {
    id: "cluster-detector-suspected-node-waits-its-time",
    does: "In a large cluster a suspected node is not asked in every round, and its suspicion never confirmed.",
    ...detector,
    find: "free.filter(({ id }) => this.suspicions.isSuspected(id)).slice(0, PINGS_PER_ROUND)",
    replace: "free.filter(({ id }) => this.suspicions.isSuspected(id)).slice(0, 0)",
  },
  {
    id: "cluster-detector-asks-all",
    does: "A large cluster is asked in every round.",
    ...detector,
    find: "const PINGS_PER_ROUND = 8;",
    replace: "const PINGS_PER_ROUND = 800;",
  },
  {
    id: "cluster-detector-no-further-heartbeat",
    does: "A suspicion waits for the next ordinary heartbeat of the observer.",
    ...detector,
    find: "if (this.suspicions.noResponders(peer, clock.monotonic())) presence.refreshSoon();",
    replace:
      "if (this.suspicions.noResponders(peer, clock.monotonic()) && this.stopped) presence.refreshSoon();",
  },
  {
    id: "cluster-detector-judges-after-its-stop",
    does: "A node that has stopped declares others dead.",
    ...detector,
    find: `    this.asked.delete(peer.id);
    if (this.stopped) return;`,
    replace: "    this.asked.delete(peer.id);",
  },
  {
    id: "cluster-detector-answers-after-its-stop",
    does: "A node that has stopped answers pings.",
    ...detector,
    find: "    await this.serving?.stop();\n",
    replace: "    if (!this.stopped) await this.serving?.stop();\n",
  },
  {
    id: "cluster-connectivity-ignores-the-connection",
    does: "A disconnected node accepts work until its presence ends.",
    ...connectivity,
    find: `    if (!this.options.bus.connected()) return "this node is not connected to NATS";
`,
    replace: "",
  },
  {
    id: "cluster-connectivity-ignores-presence",
    does: "A node whose presence has run out accepts work.",
    ...connectivity,
    find: "if (this.options.presence.validForMs() <= 0)",
    replace: "if (this.options.presence.validForMs() < -1_000_000)",
  },
  {
    id: "cluster-connectivity-at-the-end-of-presence",
    does: "A node accepts work at the very end of its presence.",
    ...connectivity,
    find: "if (this.options.presence.validForMs() <= 0)",
    replace: "if (this.options.presence.validForMs() < 0)",
  },
  {
    id: "cluster-connectivity-watches-once",
    does: "Presence that was refreshed meanwhile is not watched any more.",
    ...connectivity,
    find: "this.watching = this.waiting.size > 0;",
    replace: "this.watching = this.waiting.size > 0 && leftMs > 2000;",
  },
  {
    id: "cluster-connectivity-watches-for-ever",
    does: "A node without waiting requests keeps its timer.",
    ...connectivity,
    find: "if (this.watching) this.options.clock.after(leftMs, () => this.watch());",
    replace: "this.options.clock.after(Math.max(leftMs, 100), () => this.watch());",
  },
  {
    id: "cluster-connectivity-answered-requests-stay",
    does: "An answered request is watched until presence ends.",
    ...connectivity,
    find: "      this.waiting.delete(notify);\n",
    replace: "      this.waiting.add(notify);\n",
  },
  {
    id: "cluster-connectivity-leaving-again-prolongs",
    does: "A second call of leave prolongs the waits.",
    ...connectivity,
    find: "this.endsAt = Math.min(this.endsAt, this.options.clock.monotonic() + stopping.callersMs);",
    replace: "this.endsAt = this.options.clock.monotonic() + stopping.callersMs;",
  },
  {
    id: "cluster-verification-ignores-the-round",
    does: "A lock that was verified once stays verified.",
    ...verification,
    find: "verified.epoch === epoch && verified.round === this.round",
    replace: "verified.epoch === epoch && verified.round <= this.round",
  },
  {
    id: "cluster-verification-ignores-the-epoch",
    does: "A lock that was lost and won again counts as verified by the earlier epoch.",
    ...verification,
    find: "verified.epoch === epoch && verified.round === this.round",
    replace: "verified.epoch >= epoch && verified.round === this.round",
  },
  {
    id: "cluster-verification-by-an-earlier-fence",
    does: "A fence that was sent before verification last began verifies.",
    ...verification,
    find: "for (const { subject, epoch } of locks) this.verified.set(subject, { epoch, round });",
    replace:
      "for (const { subject, epoch } of locks) this.verified.set(subject, { epoch, round: Math.max(round, this.round) });",
  },
  {
    id: "cluster-verification-by-an-earlier-claim",
    does: "A claim that was sent before verification last began verifies.",
    ...verification,
    find: "    this.verified.set(subject, { epoch, round });\n    this.verifyAll();",
    replace:
      "    this.verified.set(subject, { epoch, round: Math.max(round, this.round) });\n    this.verifyAll();",
  },
  {
    id: "cluster-verification-is-tried-once",
    does: "A verification without an answer is not repeated.",
    ...verification,
    find: "if (!confirmed.every(Boolean)) await this.options.clock.sleep(RETRY_MS);",
    replace: "await this.options.clock.sleep(RETRY_MS);\n      if (!confirmed.every(Boolean)) break;",
  },
  {
    id: "cluster-verification-rejected-is-confirmed",
    does: "A lock that has moved counts as verified.",
    ...verification,
    find: `if (result.status === "stored") {`,
    replace: `if (result.status === "stored" || result.status === "rejected") {`,
  },
  {
    id: "cluster-verification-does-not-find-the-moved-lock",
    does: "One lock that has moved keeps all the others unverified until the watch shows it.",
    ...verification,
    find: `    if (result.status === "rejected") await Promise.all(locks.map((lock) => this.readLock(journal, lock)));
`,
    replace:
      '    if (result.status === "rejected" && this.stopped) await Promise.all(locks.map((lock) => this.readLock(journal, lock)));\n',
  },
  {
    id: "cluster-verification-batch-is-too-large",
    does: "A node with more locks than a batch takes verifies none of them.",
    ...verification,
    find: "const LOCKS_AT_ONCE = 500;",
    replace: "const LOCKS_AT_ONCE = 5000;",
  },
  {
    id: "cluster-verification-waits-for-the-next-claim",
    does: "Verification does not begin by itself.",
    ...verification,
    find: `    this.round++;
    this.verifyAll();`,
    replace: "    this.round++;",
  },
  {
    id: "cluster-verification-goes-on-after-the-stop",
    does: "A node that has stopped verifies its locks.",
    ...verification,
    find: "open.length > 0 && !this.stopped;",
    replace: "open.length > 0 && !(this.stopped && open.length > 1);",
  },
  {
    id: "cluster-verification-of-held-locks-only",
    does: "A lock whose takeover is in progress is not verified.",
    file: "src/runtime/cluster/ownership.ts",
    find: `.filter(({ state }) => state !== "free" && state !== "claiming")`,
    replace: `.filter(({ state }) => state === "held" && this.watching.length < 0)`,
    tests: [`${folder}/lock-verification.test.ts`],
  },
  {
    id: "cluster-ownership-claim-verified-by-its-answer",
    does: "The round of a claim is that of its answer.",
    file: "src/runtime/cluster/ownership.ts",
    find: "this.verification.claimed({ subject: slot.resource.lock, epoch }, slot.verificationRound);",
    replace: "this.verification.claimed({ subject: slot.resource.lock, epoch }, this.verification.count());",
    tests: [`${folder}/lock-verification.test.ts`],
  },
  {
    id: "cluster-ownership-takes-any-entry-of-its-boot",
    does: "The entry of an earlier claim of this process counts as the claim in flight.",
    ...ownership,
    find: "const mine = slot.entry?.boot === this.options.boot && slot.entry.nonce === slot.nonce;",
    replace: "const mine = slot.entry?.boot === this.options.boot;",
  },
  {
    id: "cluster-ownership-takes-any-entry-of-its-nonce",
    does: "The entry of another process counts as this one's.",
    ...ownership,
    find: "const mine = slot.entry?.boot === this.options.boot && slot.entry.nonce === slot.nonce;",
    replace: "const mine = slot.entry?.nonce === slot.nonce;",
  },
  {
    id: "cluster-ownership-claims-keep-their-nonce",
    does: "All claims of a lock by this process have one nonce.",
    ...ownership,
    find: "const nonce = ids.next();",
    replace: 'const nonce = slot.nonce === "" ? ids.next() : slot.nonce;',
  },
  {
    id: "cluster-ownership-does-not-read-back",
    does: "A claim whose answer was lost is made again without reading.",
    ...ownership,
    find: "    await this.readBack(slot);\n",
    replace: "    if (this.stopping) await this.readBack(slot);\n",
  },
  {
    id: "cluster-ownership-old-entry-is-news",
    does: "An entry that is older than the newest one seen ends the tenure.",
    ...ownership,
    find: "if (!slot || message.sequence <= slot.revision) return;",
    replace: "if (!slot) return;",
  },
  {
    id: "cluster-ownership-lost-lock-is-kept",
    does: "The lock entry of another node does not end the tenure.",
    ...ownership,
    find: "      message.sequence > slot.epoch\n    ) {",
    replace: "      message.sequence < slot.epoch\n    ) {",
  },
  {
    id: "cluster-ownership-unreadable-entry-is-kept",
    does: "A lock whose entry is unreadable keeps its owner in memory.",
    ...ownership,
    find: "slot.entry = readLock(message.payload);",
    replace: "slot.entry = readLock(message.payload) ?? slot.entry;",
  },
  {
    id: "cluster-ownership-takes-locks-of-live-nodes",
    does: "A node takes the lock of a process that is present.",
    ...ownership,
    find: "return entry.node === node || !presence.isAlive(entry.node, entry.boot);",
    replace: 'return entry.node === node || !presence.present().includes(entry.node) || entry.boot !== "";',
  },
  {
    id: "cluster-ownership-waits-for-dead-nodes",
    does: "The lock of a process that is gone is never taken.",
    ...ownership,
    find: "return entry.node === node || !presence.isAlive(entry.node, entry.boot);",
    replace:
      'return entry.node === node || (entry.boot === "" && !presence.isAlive(entry.node, entry.boot));',
  },
  {
    id: "cluster-ownership-claims-while-isolated",
    does: "A node whose presence has run out claims locks.",
    ...ownership,
    find: "    if (!presence.valid()) return;\n",
    replace: "",
  },
  {
    id: "cluster-ownership-hands-over-all-at-once",
    does: "A node hands over everything that is not its share at the same time.",
    ...ownership,
    find: `        handingOver = true;
        void this.handOver(slot);`,
    replace: "        void this.handOver(slot);",
  },
  {
    id: "cluster-ownership-claims-all-at-once",
    does: "A node takes over all resources at the same time.",
    ...ownership,
    find: "under < CLAIMS_AT_ONCE",
    replace: "under < CLAIMS_AT_ONCE * 100",
  },
  {
    id: "cluster-ownership-claims-one-at-a-time",
    does: "A takeover that hangs keeps all others waiting.",
    ...ownership,
    find: "const CLAIMS_AT_ONCE = 8;",
    replace: "const CLAIMS_AT_ONCE = 1;",
  },
  {
    id: "cluster-ownership-keeps-what-it-may-not-have",
    does: "A node that holds a resource which is another node's share keeps it.",
    ...ownership,
    find: `if (slot.state === "held" && target !== node && target !== undefined && !handingOver) {`,
    replace: `if (slot.state === "held" && target === undefined && !handingOver) {`,
  },
  {
    id: "cluster-ownership-hands-over-to-no-node",
    does: "A node hands over although no node can take over.",
    ...ownership,
    find: `target !== node && target !== undefined && !handingOver`,
    replace: `target !== node && !handingOver`,
  },
  {
    id: "cluster-ownership-does-not-repeat-a-release",
    does: "A lock whose release was lost names this node until it ends.",
    ...ownership,
    find: `      } else if (slot.state === "free" && target !== node && this.namesUs(slot)) {
        this.releaseAgain(slot);
      }`,
    replace: "      }",
  },
  {
    id: "cluster-ownership-release-deletes-the-epoch-of-the-next",
    does: "The answer to a release hides the entry of the next owner.",
    file: "src/runtime/cluster/ownership.ts",
    find: `if (result.status === "stored" && result.lastSequence > slot.revision) {`,
    replace: `if (result.status === "stored") {`,
    tests: [`${folder}/ownership-watch.test.ts`],
  },
  {
    id: "cluster-ownership-release-names-its-boot",
    does: "A released lock names the boot of its last owner.",
    ...ownership,
    find: `boot: node === "" ? "" : boot,`,
    replace: "boot,",
  },
  {
    id: "cluster-ownership-failed-takeover-keeps-the-lock",
    does: "A takeover that failed keeps its lock, and the resource stays closed.",
    ...ownership,
    find: `if (slot.epoch === epoch && slot.state === "acquiring") this.releaseUnopened(slot);
      return;`,
    replace: "return;",
  },
  {
    id: "cluster-ownership-late-failure-releases-the-next-epoch",
    does: "A takeover that fails late releases the lock that was won since.",
    ...ownership,
    find: `if (slot.epoch === epoch && slot.state === "acquiring") this.releaseUnopened(slot);
      return;`,
    replace: `this.releaseUnopened(slot);
      return;`,
  },
  {
    id: "cluster-ownership-late-takeover-opens-a-lost-lock",
    does: "A takeover that ends after its lock was lost counts as held.",
    ...ownership,
    find: `    if (slot.epoch === epoch && slot.state === "acquiring") {
      slot.state = "held";`,
    replace: `    if (slot.state === "acquiring" || slot.epoch === 0) {
      slot.state = "held";`,
  },
  {
    id: "cluster-ownership-moved-of-any-epoch",
    does: "A rejected batch of an earlier epoch ends the tenure.",
    ...ownership,
    find: "if (slot && slot.epoch === lock.epoch) this.lose(slot);",
    replace: "if (slot) this.lose(slot);",
  },
  {
    id: "cluster-ownership-lost-resource-stays-open",
    does: "A resource whose lock is lost is not closed.",
    ...ownership,
    find: `    slot.epoch = 0;
    slot.resource.revoke();
  }

  private async handOver`,
    replace: `    slot.epoch = 0;
  }

  private async handOver`,
  },
  {
    id: "cluster-ownership-hand-over-waits-for-ever",
    does: "A resource that does not drain is never released.",
    ...ownership,
    find: "Promise.race([slot.resource.drain(), clock.sleep(stopping.drainMs)]),",
    replace: "Promise.race([slot.resource.drain(), clock.sleep(stopping.drainMs * 100)]),",
  },
  {
    id: "cluster-ownership-hand-over-does-not-wait",
    does: "A resource is released before its write sets are resolved.",
    ...stopping,
    find: "Promise.race([slot.resource.drain(), clock.sleep(stopping.drainMs)]),",
    replace: "Promise.race([slot.resource.drain(), clock.sleep(0)]),",
  },
  {
    id: "cluster-ownership-undrained-resource-stays-open",
    does: "A resource that did not drain in time is released and stays open.",
    ...ownership,
    find: `      slot.resource.revoke();
      const drainMs`,
    replace: "      const drainMs",
  },
  {
    id: "cluster-ownership-stop-without-a-limit",
    does: "A node whose server is silent does not end.",
    ...stopping,
    find: "await Promise.race([this.releaseAll(), this.options.clock.sleep(STOP_LIMIT_MS)]);",
    replace: "await this.releaseAll();",
  },
  {
    id: "cluster-ownership-stop-takes-over",
    does: "A claim that is won while the node stops is taken over.",
    ...stopping,
    find: "if (this.stopping) this.releaseUnopened(slot);",
    replace: "if (this.stopping && epoch === 0) this.releaseUnopened(slot);",
  },
  {
    id: "cluster-ownership-stop-waits-for-takeovers",
    does: "A node that stops waits for a takeover in progress.",
    ...stopping,
    find: `      else if (slot.state === "acquiring") this.releaseUnopened(slot);
`,
    replace: "",
  },
  {
    id: "cluster-ownership-stop-forgets-lost-releases",
    does: "A release whose answer was lost is not repeated before the node ends.",
    ...stopping,
    find: `      else if (slot.state === "free" && this.namesUs(slot)) this.releaseAgain(slot);
    }
    return`,
    replace: `    }
    return`,
  },
  {
    id: "cluster-ownership-assignment-is-not-computed-again",
    does: "A node that cannot host a resource keeps it as its share.",
    ...ownership,
    find: "const nodes = JSON.stringify([present, ...incompatible]);",
    replace: "const nodes = JSON.stringify([present]);",
  },
  {
    id: "cluster-ownership-watch-misses-what-changed-since",
    does: "A lock that changes between the reading and the watch is missed.",
    file: "src/runtime/cluster/ownership.ts",
    find: "const from = Math.min(...readings.map(({ through }) => through)) + 1;",
    replace: "const from = Math.max(...readings.map(({ through }) => through)) + 1;",
    tests: [`${folder}/ownership-start.test.ts`],
  },
  {
    id: "cluster-assignment-first-come",
    does: "A node may get more than its equal share.",
    ...assignment,
    find: "for (const bound of [share, share + 1, resources.length]) {",
    replace: "for (const bound of [share + 1, resources.length]) {",
  },
  {
    id: "cluster-assignment-leaves-the-rest",
    does: "Resources that only few nodes can host have no owner.",
    ...assignment,
    find: "for (const bound of [share, share + 1, resources.length]) {",
    replace: "for (const bound of [share, share + 1]) {",
  },
  {
    id: "cluster-assignment-one-more",
    does: "A node takes one more than the bound.",
    ...assignment,
    find: "if (load >= bound || owners.has(resource)) continue;",
    replace: "if (load > bound || owners.has(resource)) continue;",
  },
  {
    id: "cluster-assignment-last-pair-wins",
    does: "A resource is assigned again to a node with a lower score.",
    ...assignment,
    find: "if (load >= bound || owners.has(resource)) continue;",
    replace: "if (load >= bound) continue;",
  },
  {
    id: "cluster-assignment-ignores-incompatible-nodes",
    does: "A resource goes to a node that cannot host it.",
    ...assignment,
    find: "const candidates = compatible.length > 0 ? compatible : nodes;",
    replace: "const candidates = compatible.length > nodes.length - 1 ? compatible : nodes;",
  },
  {
    id: "cluster-assignment-without-a-compatible-node",
    does: "A resource that no node can host has no owner.",
    ...assignment,
    find: "const candidates = compatible.length > 0 ? compatible : nodes;",
    replace: "const candidates = compatible;",
  },
  {
    id: "cluster-assignment-by-the-order-of-nodes",
    does: "Nodes that list each other in another order compute another assignment.",
    ...assignment,
    find: "score: mix(`${resource}/${node}`)",
    replace: "score: mix(`${resource}/${nodes.indexOf(node)}`)",
  },
  {
    id: "cluster-assignment-by-the-number-of-nodes",
    does: "A node that joins moves nearly everything.",
    ...assignment,
    find: "score: mix(`${resource}/${node}`)",
    replace: "score: mix(`${resource}/${node}/${nodes.length}`)",
  },
];
