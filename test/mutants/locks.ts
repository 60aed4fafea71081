import type { Mutant } from "./mutant.ts";

const folder = "test/unit/runtime/cluster";
const verification = {
  file: "src/runtime/cluster/lock-verification.ts",
  tests: [`${folder}/lock-verification.test.ts`],
};
const ownership = {
  file: "src/runtime/cluster/ownership.ts",
  tests: [`${folder}/ownership-rules.test.ts`, `${folder}/ownership.test.ts`],
};
const stopping = { file: "src/runtime/cluster/ownership.ts", tests: [`${folder}/ownership-stop.test.ts`] };

/** Who holds which lock, and what a node may answer under it. */
export const lockMutants: readonly Mutant[] = [
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
    replace: `const code = result.status === "rejected" ? result.code : 0;
    if (result.status === "stored" || code > 0) {`,
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
    replace: "await Promise.race([this.releaseAll(), this.options.clock.sleep(STOP_LIMIT_MS * 1000)]);",
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
    file: "src/runtime/cluster/targets.ts",
    find: "JSON.stringify([present, ...incompatible, ...moves])",
    replace: "JSON.stringify([present, ...moves])",
  },
  {
    id: "cluster-ownership-watch-misses-what-changed-since",
    does: "A lock that changes between the reading and the watch is missed.",
    file: "src/runtime/cluster/ownership.ts",
    find: "const from = Math.min(...readings.map(({ through }) => through)) + 1;",
    replace: "const from = Math.max(...readings.map(({ through }) => through)) + 1;",
    tests: [`${folder}/ownership-start.test.ts`],
  },
];
