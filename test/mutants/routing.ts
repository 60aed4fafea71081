import type { Mutant } from "./mutant.ts";

const inbox = {
  file: "src/runtime/routing/inbox-delivery.ts",
  tests: ["test/unit/runtime/routing/inbox-delivery.test.ts"],
};
const codec = {
  file: "src/runtime/routing/request-codec.ts",
  tests: ["test/unit/runtime/routing/request-codec.test.ts"],
};
const refusal = {
  file: "src/runtime/routing/admission-control.ts",
  tests: ["test/unit/runtime/routing/refusal.test.ts"],
};
const admission = {
  file: "src/runtime/routing/admission-control.ts",
  tests: ["test/unit/runtime/routing/admission-control.test.ts"],
};

/** What is delivered, understood, admitted and refused. */
export const routingMutants: readonly Mutant[] = [
  {
    id: "routing-inbox-id-does-not-name-the-actor",
    does: "Two inputs with the same id about two actors have one message id, so that the second one is lost.",
    ...inbox,
    find: "messageId: `${actor}.${id}`,",
    replace: "messageId: id,",
  },
  {
    id: "routing-inbox-id-does-not-name-the-input",
    does: "A second input for an actor within the duplicate window is lost.",
    ...inbox,
    find: "messageId: `${actor}.${id}`,",
    replace: "messageId: `${actor}.${machine}.${event.type}`,",
  },
  {
    id: "routing-inbox-repeat-has-another-id",
    does: "A repeat of an unanswered delivery is stored twice.",
    ...inbox,
    find: "journalOf(partition).append([message], TRY_MS),",
    replace:
      "journalOf(partition).append([{ ...message, messageId: `${message.messageId}.${attempt}` }], TRY_MS),",
  },
  {
    id: "routing-inbox-known-id-is-a-failure",
    does: "A repeat that the server recognizes is reported as refused.",
    ...inbox,
    find: `      if (result.status === "stored") return "stored";
`,
    replace: `      if (result.status === "stored") return "stored";
      if (result.status === "rejected" && attempt === 1) throw new Error(result.reason);
`,
  },
  {
    id: "routing-inbox-refusal-is-a-success",
    does: "An input that the server refuses counts as delivered.",
    ...inbox,
    find: 'if (result.status === "rejected" && result.code === ServerCode.duplicateMessageId) return "known";',
    replace:
      'if (result.status === "rejected" && result.code !== ServerCode.subjectInFlight) return "known";',
  },
  {
    id: "routing-inbox-refusal-is-repeated",
    does: "A message that the server refuses is sent for half a minute.",
    ...inbox,
    find: `      if (result.status === "rejected") throw new Error(\`inbox refused the message: \${result.reason}\`);
`,
    replace: "",
  },
  {
    id: "routing-inbox-lost-delivery-is-a-success",
    does: "After the last try an input counts as delivered.",
    ...inbox,
    find: "throw new Unavailable(`the input could not be stored in ${TRIES} tries`);",
    replace: "if (partition < 0) throw new Unavailable(`the input could not be stored in ${TRIES} tries`);",
  },
  {
    id: "routing-inbox-pauses-grow-without-limit",
    does: "A delivery waits for minutes between two tries.",
    ...inbox,
    find: "Math.min(50 * 2 ** attempt, SLOWEST_RETRY_MS)",
    replace: "Math.max(50 * 2 ** attempt, SLOWEST_RETRY_MS * (attempt > 6 ? 1 : 0))",
  },
  {
    id: "routing-inbox-of-another-partition",
    does: "An input is stored in the stream of another partition.",
    ...inbox,
    find: "journalOf(partition).append",
    replace: "journalOf(0).append",
  },
  {
    id: "routing-codec-accepts-any-actor-id",
    does: "A request about an id with a dot reaches the subjects of other actors.",
    ...codec,
    find: "!/^[^\\s.*>]+$/.test(actor)",
    replace: "!/^[^\\s*>]+$/.test(actor)",
  },
  {
    id: "routing-codec-accepts-an-empty-actor-id",
    does: "A request about no actor is begun.",
    ...codec,
    find: "!/^[^\\s.*>]+$/.test(actor)",
    replace: "!/^[^\\s.*>]*$/.test(actor)",
  },
  {
    id: "routing-codec-starts-without-input",
    does: "A start whose input is missing is begun.",
    ...codec,
    find: `return isObject(fields["input"]) && typeof fields["waitMs"] === "number"`,
    replace: `return typeof fields["waitMs"] === "number"`,
  },
  {
    id: "routing-codec-command-without-an-id",
    does: "A command without an id is applied, and its repeat too.",
    ...codec,
    find: `const named = typeof machine === "string" && typeof commandId === "string";`,
    replace: `const named = typeof machine === "string" && commandId !== null;`,
  },
  {
    id: "routing-codec-accepts-an-unknown-request",
    does: "A request of a newer node is taken for one that this node knows.",
    ...codec,
    find: `return op === "read";`,
    replace: `return typeof op === "string";`,
  },
  {
    id: "routing-codec-sends-the-new-code",
    does: "A node of an earlier version does not recognize the answer about a parked actor.",
    ...codec,
    find: "isParked ? { ...reply, code: PARKED_ON_THE_WIRE } : reply",
    replace: "isParked ? { ...reply } : reply",
  },
  {
    id: "routing-codec-keeps-the-old-code",
    does: "A caller gets the code of an earlier version.",
    ...codec,
    find: `return isParked ? { ...reply, code: "actor_parked" } : reply;`,
    replace: `return isParked && reply.reason === "" ? { ...reply, code: "actor_parked" } : reply;`,
  },
  {
    id: "routing-refusal-reads-under-an-unverified-lock",
    does: "A read is answered from memory while the lock is unverified.",
    ...refusal,
    find: "condition.isolation() ?? condition.unverified(lock);",
    replace: `condition.isolation() ?? (op === "read" ? undefined : condition.unverified(lock));`,
  },
  {
    id: "routing-refusal-writes-under-an-unverified-lock",
    does: "A start or a command is answered from memory while the lock is unverified.",
    ...refusal,
    find: "condition.isolation() ?? condition.unverified(lock);",
    replace: `condition.isolation() ?? (op === "read" ? condition.unverified(lock) : undefined);`,
  },
  {
    id: "routing-refusal-of-reads-on-a-full-disk",
    does: "A node whose disk is full answers no reads.",
    ...refusal,
    find: `  if (op === "read" || op === "dry-run") return undefined;
`,
    replace: "",
  },
  {
    id: "routing-refusal-ignores-the-disk",
    does: "A command is taken although the store refuses writes.",
    ...refusal,
    find: "  if (relay.storeRefuses) return storeRefuses;\n",
    replace: "",
  },
  {
    id: "routing-refusal-ignores-a-full-journal",
    does: "A command is taken although the server has no room.",
    ...refusal,
    find: "if (relay.noRoom !== undefined)",
    replace: 'if (relay.noRoom === "")',
  },
  {
    id: "routing-refusal-one-above-the-outbox-limit",
    does: "The outbox takes one write set more than its limit.",
    ...refusal,
    find: "relay.depth >= condition.outboxLimit",
    replace: "relay.depth > condition.outboxLimit",
  },
  {
    id: "routing-refusal-one-above-the-effect-limit",
    does: "One actor more is started than there is room for its effects.",
    ...refusal,
    find: "condition.effects() >= condition.effectLimit",
    replace: "condition.effects() > condition.effectLimit",
  },
  {
    id: "routing-refusal-of-commands-for-effects",
    does: "Too many effects refuse commands, which could end some of them.",
    ...refusal,
    find: `op === "start" && condition.effects() >= condition.effectLimit`,
    replace: `op !== "resume" && condition.effects() >= condition.effectLimit`,
  },
  {
    id: "routing-admission-one-above-the-actor-limit",
    does: "One caller more than the bound of an actor is admitted.",
    ...admission,
    find: "waiting >= this.perActor",
    replace: "waiting > this.perActor",
  },
  {
    id: "routing-admission-one-above-the-limit-of-all",
    does: "One caller more than the bound of all is admitted.",
    ...admission,
    find: "this.total >= this.inAll",
    replace: "this.total > this.inAll",
  },
  {
    id: "routing-admission-needs-both-bounds",
    does: "An actor with too many callers takes more while there is room in all.",
    ...admission,
    find: "waiting >= this.perActor || this.total >= this.inAll",
    replace: "waiting >= this.perActor && this.total >= this.inAll",
  },
  {
    id: "routing-admission-forgets-a-failed-caller",
    does: "A request whose serving fails counts until the process ends.",
    ...admission,
    find: `    try {
      return await serve();
    } finally {
      this.total--;
      const left = (this.callers.get(actor) ?? 1) - 1;
      if (left > 0) this.callers.set(actor, left);
      else this.callers.delete(actor);
    }`,
    replace: `    const reply = await serve();
    this.total--;
    const left = (this.callers.get(actor) ?? 1) - 1;
    if (left > 0) this.callers.set(actor, left);
    else this.callers.delete(actor);
    return reply;`,
  },
  {
    id: "routing-admission-forgets-the-actors-other-callers",
    does: "The first answer frees all places of an actor.",
    ...admission,
    find: `      if (left > 0) this.callers.set(actor, left);
      else this.callers.delete(actor);`,
    replace: "      if (left >= 0) this.callers.delete(actor);",
  },
  {
    id: "routing-admission-counts-the-refused",
    does: "A refused request takes a place until the process ends.",
    ...admission,
    find: `    const waiting = this.callers.get(actor) ?? 0;
    if (waiting >= this.perActor || this.total >= this.inAll) return overloaded;
    this.callers.set(actor, waiting + 1);
    this.total++;`,
    replace: `    const waiting = this.callers.get(actor) ?? 0;
    this.total++;
    if (waiting >= this.perActor || this.total > this.inAll) return overloaded;
    this.callers.set(actor, waiting + 1);`,
  },
];
