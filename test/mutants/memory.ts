/** Planted bugs of what is in memory: eviction, what stays known, loads and reads. */
import type { Mutant } from "./mutant.ts";

const ACTIVATION_CACHE = "src/runtime/tenure/activation-cache.ts";
const ACTIVATION_CACHE_TEST = "test/unit/runtime/tenure/activation-cache.test.ts";
const ACTOR_READER = "src/runtime/tenure/actor-reader.ts";
const ACKNOWLEDGED_REPLIES_TEST = "test/unit/runtime/tenure/acknowledged-replies.test.ts";
const READS_TEST = "test/unit/runtime/tenure/reads.test.ts";
const IDLE_TEST = "test/unit/runtime/tenure/idle.test.ts";
const TENURE_TEST = "test/unit/runtime/tenure/tenure.test.ts";
const LOADER = "src/runtime/tenure/loader.ts";
const LOADER_TEST = "test/unit/runtime/tenure/loader.test.ts";

export const memoryMutants: readonly Mutant[] = [
  {
    id: "memory-cache-glance-is-use-not",
    does: "A use of an actor does not move it to the end: the busiest actors leave memory first.",
    file: ACTIVATION_CACHE,
    find: `      this.activations.delete(actor);
      this.activations.set(actor, found);
      return found;`,
    replace: "      return found;",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-eviction-forgets",
    does: "The sequence of an evicted actor's record is forgotten.",
    file: ACTIVATION_CACHE,
    find: `    activation.retire();
    this.knows(activation.actor, activation.sequence);`,
    replace: "    activation.retire();",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-knows-goes-back",
    does: "An older sequence replaces the one that is known of an actor.",
    file: ACTIVATION_CACHE,
    find: "const newest = Math.max(sequence, this.known.get(actor) ?? 0);",
    replace: "const newest = sequence;",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-known-not-renewed",
    does: "What is known of an actor that was written again is forgotten as if it were old.",
    file: ACTIVATION_CACHE,
    find: `    this.known.delete(actor);
    this.known.set(actor, newest);`,
    replace: "    this.known.set(actor, newest);",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-forgets-silently",
    does: "What was forgotten leaves no position that a reading has to reach.",
    file: ACTIVATION_CACHE,
    find: "this.forgotten = Math.max(this.forgotten, at);",
    replace: "this.forgotten = Math.max(this.forgotten, Math.min(at, 0));",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-forgotten-goes-back",
    does: "The position that a reading has to reach goes back.",
    file: ACTIVATION_CACHE,
    find: "this.forgotten = Math.max(this.forgotten, at);",
    replace: "this.forgotten = at;",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-known-sequence-of-memory",
    does: "A reading for an activation that was just created need not reach what is known of the actor.",
    file: ACTIVATION_CACHE,
    find: "return Math.max(activation.sequence, this.known.get(activation.actor) ?? 0);",
    replace: "return activation.sequence;",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-evicts-none",
    does: "Nothing leaves memory once a busy actor is the oldest.",
    file: ACTIVATION_CACHE,
    find: "      else this.activation(actor);",
    replace: '      else if (actor !== "") return;',
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-checks-one",
    does: "One actor is checked for each new one: busy ones keep idle ones in memory.",
    file: ACTIVATION_CACHE,
    find: "++checked > EVICTION_CHECKS",
    replace: "++checked > EVICTION_CHECKS / 8",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-one-too-many",
    does: "One actor more than the bound stays in memory.",
    file: ACTIVATION_CACHE,
    find: "this.activations.size <= this.idleActors",
    replace: "this.activations.size <= this.idleActors + 1",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-cache-clear-retires-none",
    does: "Activations of a tenure that has ended go on as current ones.",
    file: ACTIVATION_CACHE,
    find: "for (const activation of this.activations.values()) activation.retire();",
    replace:
      "for (const activation of this.activations.values()) if (!activation.isLoaded()) activation.retire();",
    tests: [ACTIVATION_CACHE_TEST],
  },
  {
    id: "memory-reader-shows-head",
    does: "Reads show the newest decided state instead of the acknowledged one.",
    file: ACTOR_READER,
    find: "return activation.acked ? replies.ok(activation.acked, false, activation.sequence) : notFound;",
    replace: `const shown = activation.head?.snapshot ?? activation.acked;
    return shown ? replies.ok(shown, false, activation.sequence) : notFound;`,
    tests: [ACKNOWLEDGED_REPLIES_TEST],
  },
  {
    id: "memory-reader-ignores-at-least",
    does: "A read does not reject a reading that is older than what the replay has found.",
    file: ACTOR_READER,
    find: "snapshot = await processor.loader.fetch(activation, atLeast);",
    replace: "snapshot = await processor.loader.fetch(activation, Math.min(atLeast, 0));",
    tests: [READS_TEST],
  },
  {
    id: "memory-reader-leaves-mailbox",
    does: "A read loads the actor and leaves what waits in its mailbox.",
    file: ACTOR_READER,
    find: `      processor.loadEnded(activation);
`,
    replace: "",
    tests: [IDLE_TEST],
  },
  {
    id: "memory-reader-no-idle",
    does: "A read that decides the last input does not report that the tenure may be idle.",
    file: ACTOR_READER,
    find: "processor.loadEnded(activation);",
    replace: "processor.drainMailbox(activation);",
    tests: [IDLE_TEST],
  },
  {
    id: "memory-reader-keeps-blank",
    does: "A read that failed leaves an empty activation in memory.",
    file: ACTOR_READER,
    find: "if (activation.isBlank()) activations.delete(activation);",
    replace: "if (activation.isBlank() && activation.isLoaded()) activations.delete(activation);",
    tests: [TENURE_TEST],
  },
  {
    id: "memory-reader-parked-loads",
    does: "A read of a parked actor loads it into memory.",
    file: ACTOR_READER,
    find: "if (parked.get(actor)) return await this.lastGood(actor);",
    replace: 'if (parked.get(actor)?.state === "newer") return await this.lastGood(actor);',
    tests: [READS_TEST],
  },
  {
    id: "memory-reader-parks-twice",
    does: "A read that finds a parked actor unreadable parks it again.",
    file: ACTOR_READER,
    find: "if (!parked.get(activation.actor)) processor.unreadable(activation, error);",
    replace: "processor.unreadable(activation, error);",
    tests: [READS_TEST],
  },
  {
    id: "memory-reader-newer-shows-old",
    does: "A read of an actor that a newer machine has written tries to read it.",
    file: ACTOR_READER,
    find: 'if (quarantined?.state === "newer" || quarantined?.state === "unreadable")',
    replace: 'if (quarantined?.state === "storing")',
    tests: [ACKNOWLEDGED_REPLIES_TEST],
  },
  {
    id: "memory-reader-last-good-any",
    does: "The last good state of a parked actor may be older than what is known of it.",
    file: ACTOR_READER,
    find: "await processor.loader.stored(actor, activations.knownOf(actor))",
    replace: "await processor.loader.stored(actor, Math.min(activations.knownOf(actor), 0))",
    tests: [READS_TEST],
  },
  {
    id: "memory-reader-answers-after-end",
    does: "A read that ends after the tenure shows what it has read.",
    file: ACTOR_READER,
    find: `      if (ended()) return notOwner;
      if (!activation.isLoaded())`,
    replace: "      if (!activation.isLoaded())",
    tests: [READS_TEST],
  },
  {
    id: "memory-loader-loads-after-end",
    does: "A tenure that has ended reads actors.",
    file: LOADER,
    find: "if (this.options.ended() || !activation.canLoad()) return;",
    replace: "if (!activation.canLoad()) return;",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-known-ignored",
    does: "A load takes a reading that is older than what this owner has written.",
    file: LOADER,
    find: "Math.max(atLeast, activations.knownSequence(activation)),",
    replace: "Math.max(atLeast, Math.min(activation.sequence, activations.knownSequence(activation))),",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-at-least-ignored",
    does: "A read takes a reading that is older than the sequence it names.",
    file: LOADER,
    find: "Math.max(atLeast, activations.knownSequence(activation)),",
    replace: "Math.max(Math.min(atLeast, 0), activations.knownSequence(activation)),",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-takes-after-end",
    does: "A load that ends after the tenure gives its state to the activation.",
    file: LOADER,
    find: "if (!this.options.ended() && activation.canTake(sequence)) {",
    replace: "if (activation.canTake(sequence)) {",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-exclusive",
    does: "The very record that is known is rejected as too old.",
    file: LOADER,
    find: "if (sequence < atLeast) {",
    replace: "if (sequence <= atLeast && atLeast > 0) {",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-reading-not-shared",
    does: "Each request for an actor reads it, however many there are.",
    file: LOADER,
    find: `    if (running) return running;
`,
    replace: `    if (running && loads) void running;
`,
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-reading-kept",
    does: "A reading is shared with those who come after its end.",
    file: LOADER,
    find: ".finally(() => this.readings.delete(actor));",
    replace: ".finally(() => this.readings.size > 100 && this.readings.delete(actor));",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-before-lock-entry",
    does: "A reading need not reach the lock entry of this owner.",
    file: LOADER,
    find: "const through = Math.max(lock.epoch, activations.forgottenThrough());",
    replace: "const through = activations.forgottenThrough();",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-forgotten-ignored",
    does: "A reading need not reach what this owner has written and forgotten.",
    file: LOADER,
    find: "const through = Math.max(lock.epoch, activations.forgottenThrough());",
    replace: "const through = Math.max(lock.epoch, 0 * activations.forgottenThrough());",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-no-proof",
    does: "A reading of an actor without a record has no proof of its position.",
    file: LOADER,
    find: "journal.readLastTogether([...subjects, lock.subject], through)",
    replace: "journal.readLastTogether(subjects, through)",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-lagging-fatal",
    does: "A replica that lags is not asked again.",
    file: LOADER,
    find: "if (!(error instanceof ReplicaLagging) || read === MAX_READS || ended()) throw error;",
    replace: "if (!(error instanceof ReplicaLagging) || read <= MAX_READS || ended()) throw error;",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-repeats-any",
    does: "A reading that fails for another reason is repeated without a pause.",
    file: LOADER,
    find: "if (!(error instanceof ReplicaLagging) || read === MAX_READS || ended()) throw error;",
    replace: `const retryable = error instanceof ReplicaLagging || error instanceof Unavailable;
        if (!retryable || read === MAX_READS || ended()) throw error;`,
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-lagging-without-end",
    does: "A replica that lags is asked without end.",
    file: LOADER,
    find: "if (!(error instanceof ReplicaLagging) || read === MAX_READS || ended()) throw error;",
    replace: "if (!(error instanceof ReplicaLagging) || read === 1000 * MAX_READS || ended()) throw error;",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-callers-kept",
    does: "Callers of a load that failed wait for the next one.",
    file: LOADER,
    find: `    for (const pending of activation.takeCallers()) {
      pending.reply`,
    replace: `    for (const pending of activation.isBlank() ? activation.takeCallers() : []) {
      pending.reply`,
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-no-retry",
    does: "A load that failed is not repeated for the inputs that are left.",
    file: LOADER,
    find: `    else clock.after(RETRY_MS, () => void this.load(activation));
    this.events`,
    replace: `    else clock.after(RETRY_MS, () => void (activation.isIdle() ? this.load(activation) : undefined));
    this.events`,
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-blank-kept",
    does: "A load that failed leaves an empty activation in memory.",
    file: LOADER,
    find: "if (activation.isBlank()) activations.delete(activation);",
    replace: "if (activation.isBlank() && activation.isRetired()) activations.delete(activation);",
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-fault-retried",
    does: "A record that cannot be read is read again and again.",
    file: LOADER,
    find: `    if (error instanceof MachineFault) {
      this.events.unreadable(activation, error);
      return;
    }
`,
    replace: `    if (error instanceof MachineFault && activation.isIdle()) {
      this.events.unreadable(activation, error);
      return;
    }
`,
    tests: [LOADER_TEST],
  },
  {
    id: "memory-loader-record-cast",
    does: "A message that is no record is taken for an actor that does not exist.",
    file: LOADER,
    find: "return { head: record && headOf(definition, record, facts), sequence };",
    replace:
      "return { head: record && readSnapshot(record) ? headOf(definition, record, facts) : undefined, sequence };",
    tests: [LOADER_TEST],
  },
];
