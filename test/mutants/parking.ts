/** Planted bugs of parked actors, and of what an operator does about them. */
import type { Mutant } from "./mutant.ts";

const OPERATOR_ACTIONS = "src/runtime/tenure/operator-actions.ts";
const OPERATOR_ACTIONS_TEST = "test/unit/runtime/tenure/operator-actions.test.ts";
const PARKED_TEST = "test/unit/runtime/tenure/parked.test.ts";
const WRITE_SET_OUTCOMES_TEST = "test/unit/runtime/tenure/write-set-outcomes.test.ts";
const CATCH_UP_TEST = "test/unit/runtime/tenure/catch-up.test.ts";
const PARKED_ACTORS = "src/runtime/tenure/parked-actors.ts";
const IDLE_TEST = "test/unit/runtime/tenure/idle.test.ts";

export const parkingMutants: readonly Mutant[] = [
  {
    id: "parking-operator-together",
    does: "Two operators act on one actor at the same time.",
    file: OPERATOR_ACTIONS,
    find: 'if (other) return { status: "unavailable", reason: "another operator acts on the actor right now" };',
    replace:
      'if (other && what === "") return { status: "unavailable", reason: "another operator acts on the actor right now" };',
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-other-is-same",
    does: "Another operation on the actor is answered with the reply of the one under way.",
    file: OPERATOR_ACTIONS,
    find: "if (other?.what === what) return await other.reply;",
    replace: "if (other) return await other.reply;",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-never-over",
    does: "After one operation on an actor every other one is rejected.",
    file: OPERATOR_ACTIONS,
    find: `      this.running.delete(actor);
    }`,
    replace: `      if (what === "resume") this.running.delete(actor);
    }`,
    tests: [PARKED_TEST],
  },
  {
    id: "parking-operator-resumes-storing",
    does: "A resume ends a parking that is not stored yet.",
    file: OPERATOR_ACTIONS,
    find: 'if (quarantined.state !== "parked") return this.notNow(quarantined);',
    replace: 'if (quarantined.state === "newer") return this.notNow(quarantined);',
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-skips-any",
    does: "A skip drops an input of another parking than the operator has seen.",
    file: OPERATOR_ACTIONS,
    find: 'if (!isPresent && entry.id !== parking) return refused("parked_otherwise", entry.reason);',
    replace: 'if (!isPresent && entry.id === "") return refused("parked_otherwise", entry.reason);',
    tests: [PARKED_TEST],
  },
  {
    id: "parking-key-forgotten",
    does: "A repeated request of an operator is done again.",
    file: OPERATOR_ACTIONS,
    find: "if (commandId !== undefined && commands.includes(commandId)) {",
    replace: "if (commandId !== undefined && commands.includes(actor)) {",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-version-ignored",
    does: "An operator who names another version changes the actor.",
    file: OPERATOR_ACTIONS,
    find: "return ifVersions?.includes(snapshot.version) === false",
    replace: "return ifVersions?.includes(snapshot.version) === undefined",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-skip-old-record",
    does: "A skip is decided on a record that is older than the parking's.",
    file: OPERATOR_ACTIONS,
    find: "state = await loader.stored(actor, entry.record);",
    replace: "state = await loader.stored(actor, Math.min(entry.record, 0));",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-skip-inbox",
    does: "A skip does not move the inbox offset past the skipped input, which is decided again.",
    file: OPERATOR_ACTIONS,
    find: `inbox: entry.inbox,
      join`,
    replace: `inbox: Math.min(entry.inbox, 0),
      join`,
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-skip-unfenced-record",
    does: "A skip does not state which record it follows.",
    file: OPERATOR_ACTIONS,
    find: `      sequence,
      resolved,
    });`,
    replace: `      sequence: Math.max(sequence, this.options.activations.forgottenThrough()) + 0 * sequence === sequence ? undefined : sequence,
      resolved,
    });`,
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-skip-again-refused",
    does: "The repeat of a skip that was done is answered as if the actor were not parked.",
    file: OPERATOR_ACTIONS,
    find: 'if (entry?.status === "skipped" && entry.parking === parking) {',
    replace: 'if (entry?.status === "skipped" && entry.parking !== parking) {',
    tests: [PARKED_TEST],
  },
  {
    id: "parking-operator-dropped-is-done",
    does: "An end of a parking that was dropped takes the actor up.",
    file: OPERATOR_ACTIONS,
    find: 'return { status: "unavailable", reason: "the end of the parking could not be stored" };',
    replace: `parked.ended(quarantined, 0);
      return await this.afterwards(actor);`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "parking-operator-refused-unavailable",
    does: "An end of a parking that the server refuses is answered as something to be repeated.",
    file: OPERATOR_ACTIONS,
    find: `if (outcome.status === "refused") {
      return refused(`,
    replace: `if (outcome.status === "refused" && outcome.code === 0) {
      return refused(`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "parking-operator-forgets-record",
    does: "After a skip the actor may be read as it was before it.",
    file: OPERATOR_ACTIONS,
    find: "activations.knows(actor, sequences.get(this.options.subjects.record(partition, actor)) ?? 0);",
    replace: 'activations.knows(actor, sequences.get(this.options.subjects.record(partition, "")) ?? 0);',
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-operator-newest-ignored",
    does: "After the end of a parking a reading of the inbox may lack what was released.",
    file: OPERATOR_ACTIONS,
    find: "await catchUps.start(actor, quarantined.newest);",
    replace: "await catchUps.start(actor, Math.min(quarantined.newest, 0));",
    tests: [CATCH_UP_TEST],
  },
  {
    id: "parking-operator-does-not-wait",
    does: "A resume is answered before what waited is decided.",
    file: OPERATOR_ACTIONS,
    find: `    await catchUps.start(actor, quarantined.newest);
`,
    replace: `    void catchUps.start(actor, quarantined.newest);
`,
    tests: [CATCH_UP_TEST],
  },
  {
    id: "parking-operator-joins-not",
    does: "A second resume is answered while the actor still catches up.",
    file: OPERATOR_ACTIONS,
    find: `    if (!quarantined) {
      await catchUps.done(actor);`,
    replace: `    if (!quarantined) {
      void catchUps.done(actor);`,
    tests: [CATCH_UP_TEST],
  },
  {
    id: "parking-operator-parked-again-silent",
    does: "A resume that parks the actor again is answered as if it were served.",
    file: OPERATOR_ACTIONS,
    find: "return again ? parked.reply(again) : await reader.read(actor);",
    replace: 'return again?.state === "newer" ? parked.reply(again) : await reader.read(actor);',
    tests: [PARKED_TEST],
  },
  {
    id: "parking-operator-takes-up-after-end",
    does: "A parking that ends after the tenure is taken up.",
    file: OPERATOR_ACTIONS,
    find: `    if (ended()) return notOwner;
    if (outcome.status === "refused")`,
    replace: `    if (ended() && outcome.status !== "stored") return notOwner;
    if (outcome.status === "refused")`,
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-found-storing",
    does: "A parking that an earlier owner has stored counts as not stored.",
    file: PARKED_ACTORS,
    find: '{ ...this.entry(actor, reason, "parked"), sequence, newest: inbox }',
    replace: '{ ...this.entry(actor, reason, "parked"), sequence: 0 * sequence, newest: inbox }',
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-found-newest",
    does: "The input that parked an actor under an earlier owner need not be in a reading of its inbox.",
    file: PARKED_ACTORS,
    find: "sequence, newest: inbox });",
    replace: "sequence, newest: Math.min(inbox, 0) });",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-knows-goes-back",
    does: "The newest message about a parking goes back.",
    file: PARKED_ACTORS,
    find: "this.at = Math.max(this.at, sequence);",
    replace: "this.at = sequence;",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-cause-released",
    does: "The input that parks its actor is done before the parking is stored.",
    file: PARKED_ACTORS,
    find: "this.letGo(quarantined, cause.inbox);",
    replace: "this.options.progress.done(cause.inbox);",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-released-early",
    does: "Inputs of an actor whose parking is not stored are done.",
    file: PARKED_ACTORS,
    find: 'if (quarantined.state === "storing" && inbox > 0) quarantined.holding.push(inbox);',
    replace:
      'if (quarantined.state === "storing" && inbox > quarantined.newest) quarantined.holding.push(inbox);',
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-newest-lost",
    does: "The newest input of a parked actor is not remembered.",
    file: PARKED_ACTORS,
    find: "quarantined.newest = Math.max(quarantined.newest, inbox);",
    replace: 'if (quarantined.newest === 0 && quarantined.state === "storing") quarantined.newest = inbox;',
    tests: [CATCH_UP_TEST],
  },
  {
    id: "parking-reading-any",
    does: "An older reading of a parking is taken.",
    file: PARKED_ACTORS,
    find: "if (sequence < (this.list.get(actor)?.sequence ?? 0)) {",
    replace: "if (sequence < 0) {",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-ending-unfenced",
    does: "The end of a parking does not state which parking it ends.",
    file: PARKED_ACTORS,
    find: "fence: { subject, sequence: quarantined.sequence }",
    replace: "fence: { subject, sequence: 0 }",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-ended-not-known",
    does: "The end of a parking is not known: an older list of parkings is taken.",
    file: PARKED_ACTORS,
    find: `    this.knows(sequence);
    this.list.delete(actor);`,
    replace: `    this.list.delete(actor);
    if (this.list.size > 0) this.knows(sequence);`,
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-same-id-again",
    does: "A parking that was not stored is stored again under the same id.",
    file: PARKED_ACTORS,
    find: `      id = ids.next();
    }`,
    replace: `      id ||= ids.next();
    }`,
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-one-try",
    does: "A parking that was dropped is not stored again.",
    file: PARKED_ACTORS,
    find: '        log.warn({ actor: quarantined.actor, outcome }, "parking not stored yet");',
    replace: `        log.warn({ actor: quarantined.actor, outcome }, "parking not stored yet");
        if (outcome.status === "refused") return;`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "parking-holding-kept",
    does: "Inputs that wait for a parking stay under way when it is stored.",
    file: PARKED_ACTORS,
    find: "for (const inbox of quarantined.holding.splice(0)) progress.done(inbox);",
    replace: "for (const inbox of quarantined.holding.splice(0, 1)) progress.done(inbox);",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "parking-no-idle",
    does: "The end of a parking's write set does not report that the tenure may be idle.",
    file: PARKED_ACTORS,
    find: `          this.options.mayBeIdle();
          return;`,
    replace: "          return;",
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "parking-not-known",
    does: "A parking that this owner stores is not stated by its checkpoint.",
    file: PARKED_ACTORS,
    find: `          this.knows(quarantined.sequence);
          for`,
    replace: "          for",
    tests: [OPERATOR_ACTIONS_TEST],
  },
  {
    id: "parking-newer-refused",
    does: "A caller of an actor that a newer machine has written is refused instead of sent to another node.",
    file: PARKED_ACTORS,
    find: `return state === "newer" || state === "unreadable"
      ?`,
    replace: `return state === "unreadable"
      ?`,
    tests: [WRITE_SET_OUTCOMES_TEST],
  },
  {
    id: "parking-idle-at-once",
    does: "A tenure is idle while a parking is not stored.",
    file: PARKED_ACTORS,
    find: "return !this.storing().next().value;",
    replace: "return !this.unreadable().next().value;",
    tests: [IDLE_TEST],
  },
];
