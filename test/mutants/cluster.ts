import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/cluster";
const node = "src/runtime/node.ts";
const wiring = { file: node, tests: ["test/unit/runtime/node.test.ts"] };
const verificationWiring = { file: node, tests: [`${folder}/verification-wiring.test.ts`] };
const suspicionWiring = { file: node, tests: [`${folder}/suspicion-wiring.test.ts`] };
const handover = {
  file: "src/runtime/cluster/ownership.ts",
  tests: [`${folder}/ownership-handover.test.ts`],
};
const assignment = { file: "src/runtime/cluster/assignment.ts", tests: [`${folder}/assignment.test.ts`] };

/** What a node passes to its parts, and the assignment of resources to nodes. */
export const clusterMutants: readonly Mutant[] = [
  {
    id: "cluster-probe-refusal-is-silence",
    does: "A partition whose owner refuses a probe counts as one without an answer.",
    file: "nodes/order/partition-probes.ts",
    find: 'return reply.status === "unavailable" ? reply.reason : undefined;',
    replace: 'return reply.status !== "not_found" ? reply.status : undefined;',
    tests: ["test/unit/nodes/partition-probes.test.ts"],
  },
  {
    id: "cluster-probe-while-isolated",
    does: "An isolated node reports that no partition answers.",
    file: "nodes/order/partition-probes.ts",
    find: "isolated() ? undefined : reason === undefined;",
    replace: "reason === undefined;",
    tests: ["test/unit/nodes/partition-probes.test.ts"],
  },
  {
    id: "cluster-probe-logs-each-round",
    does: "A partition that does not answer is logged in every round.",
    file: "nodes/order/partition-probes.ts",
    find: "answers === wanted && answers !== (before[partition] ?? true)",
    replace: "answers === wanted && (wanted ? answers !== (before[partition] ?? true) : true)",
    tests: ["test/unit/nodes/partition-probes.test.ts"],
  },
  {
    id: "cluster-share-of-all",
    does: "What other nodes should take over counts as this node's share.",
    file: "src/runtime/cluster/ownership.ts",
    find: ".filter((name) => targets.get(name) === this.options.node);",
    replace: ".filter((name) => targets.has(name));",
    tests: ["test/unit/runtime/cluster/own-share.test.ts"],
  },
  {
    id: "cluster-share-since-last",
    does: "How long a share is unclaimed begins anew with every review.",
    file: "src/runtime/cluster/own-share.ts",
    find: "if (this.resources.length === 0) this.since = this.clock.monotonic();",
    replace: "this.since = this.clock.monotonic();",
    tests: ["test/unit/runtime/cluster/own-share.test.ts"],
  },
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
    does: "The application's own resources answer from memory while the presence of their node has run out.",
    ...wiring,
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
    file: "src/runtime/commit/leftover.ts",
    find: "  outbox.remove(leftover);\n",
    replace: "",
  },
  {
    id: "cluster-node-is-visible-before-it-knows-the-locks",
    does: "A node announces itself before it has read the locks.",
    ...wiring,
    find: `    await this.ownership.start();
    // Now that the locks are known: the others hand over as soon as they see this node.
    await this.membership.announce();`,
    replace: `    await this.membership.announce();
    await this.ownership.start();`,
  },
  {
    id: "cluster-node-is-visible-before-it-answers",
    does: "A node announces itself before it answers pings, and looks dead.",
    ...wiring,
    find: `    await this.detector.start();
    await this.ownership.start();
    // Now that the locks are known: the others hand over as soon as they see this node.
    await this.membership.announce();`,
    replace: `    await this.ownership.start();
    await this.membership.announce();
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
    find: `    this.logs.stop();
    this.checkpointWriter.stop();`,
    replace: "    this.logs.stop();",
  },
  {
    id: "cluster-node-stopped-detector-goes-on",
    does: "A node that has stopped answers pings.",
    ...wiring,
    find: "await Promise.all([this.detector.stop(), this.membership.stop()]);",
    replace: "await this.membership.stop();",
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
    file: "src/runtime/cluster/membership.ts",
    find: "const { presenceTtlMs: ttlMs, presenceRefreshMs: refreshMs } = options;",
    replace: "const { presenceRefreshMs: refreshMs } = options;\n    const ttlMs = refreshMs * 6;",
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
  {
    id: "cluster-node-removes-only-the-first-row-of-an-earlier-run",
    does: "Of what an earlier run left in the outbox, only the first row is removed.",
    ...wiring,
    file: "src/runtime/commit/leftover.ts",
    find: "outbox.remove(leftover);",
    replace: "outbox.remove(leftover.slice(0, 1));",
  },
  {
    id: "cluster-ownership-late-hand-over-ends-a-later-one",
    does: "A hand-over that ends late revokes and releases what a later hand-over still drains.",
    ...handover,
    find: 'if (slot.state === "releasing" && slot.epoch === epoch) {',
    replace: 'if (slot.state === "releasing") {',
  },
  {
    id: "cluster-ownership-keeps-one-watch",
    does: "Of the watches of several streams, a stop ends only the last one.",
    ...handover,
    find: "for (const [journal, slots] of streams) this.watching.push(await this.watch(journal, slots));",
    replace: "for (const [journal, slots] of streams) this.watching = [await this.watch(journal, slots)];",
  },
  {
    id: "cluster-ownership-stop-revokes-nothing",
    does: "When the time of a stop is over, what is not released is not revoked.",
    ...handover,
    find: `    for (const slot of this.slots.values()) if (slot.state !== "free") slot.resource.revoke();\n`,
    replace: "",
  },
  {
    id: "cluster-verification-one-stream-spares-the-pause",
    does: "One stream that confirms its locks lets the others be asked again without a pause.",
    file: "src/runtime/cluster/lock-verification.ts",
    find: "if (!confirmed.every(Boolean)) await",
    replace: "if (!confirmed.some(Boolean)) await",
    tests: [`${folder}/lock-verification.test.ts`],
  },
];
