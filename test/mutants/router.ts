import type { Mutant } from "./mutant.ts";

const router = {
  file: "src/runtime/routing/router.ts",
  tests: ["test/unit/runtime/routing/router.test.ts"],
};

/** How a request finds its actor, and what an answer may say. */
export const routerMutants: readonly Mutant[] = [
  {
    id: "routing-router-ignores-isolation",
    does: "An isolated node searches for an owner instead of answering at once.",
    ...router,
    find: `    if (lost !== undefined) return { status: "unavailable", reason: lost };
`,
    replace: '    if (lost === "") return { status: "unavailable", reason: lost };\n',
  },
  {
    id: "routing-router-waits-while-isolated",
    does: "A request that waits when its node is isolated waits on.",
    ...router,
    find: "await connectivity.orIsolated(this.once(partition, request(tryMs, attempt > 1), tryMs))",
    replace: "await this.once(partition, request(tryMs, attempt > 1), tryMs)",
  },
  {
    id: "routing-router-forgets-the-acknowledged-state-when-isolated",
    does: "A caller whose command is acknowledged is answered unavailable when its node is isolated.",
    ...router,
    find: `if (reply === undefined) return earlier ?? { status: "unavailable", reason: ISOLATED };`,
    replace: `if (reply === undefined) return { status: "unavailable", reason: ISOLATED };`,
  },
  {
    id: "routing-router-repeat-denies-the-first-try",
    does: "A repeat of a start does not say that the actor may exist, and is answered as a second start.",
    ...router,
    find: "mayExist: options.mayExist || again,",
    replace: "mayExist: options.mayExist && again,",
  },
  {
    id: "routing-router-again-is-one-late",
    does: "The second try of a start counts as the first.",
    ...router,
    find: "request(tryMs, attempt > 1)",
    replace: "request(tryMs, attempt > 2)",
  },
  {
    id: "routing-router-overloaded-after-an-unanswered-try",
    does: "A caller whose first try may have been applied learns that nothing was written.",
    ...router,
    find: "uncertain ||= reply === NO_ANSWER;",
    replace: "uncertain ||= reply === NO_OWNER;",
  },
  {
    id: "routing-router-overloaded-after-an-unavailable-try",
    does: "An owner that lost its partition with the command in its outbox is followed by overloaded.",
    ...router,
    find: `        uncertain ||= reply.status === "unavailable" && !unread;
`,
    replace: "",
  },
  {
    id: "routing-router-overloaded-after-an-acknowledged-try",
    does: "A caller with an acknowledged state is answered overloaded by a later try.",
    ...router,
    find: `if (earlier && (final || !busy)) return earlier;`,
    replace: `if (earlier && final) return earlier;`,
  },
  {
    id: "routing-router-final-answer-forgets-the-state",
    does: "At the end of its time a caller gets the reason of the last try and not the acknowledged state.",
    ...router,
    find: `if (earlier && (final || !busy)) return earlier;`,
    replace: `if (earlier && !busy) return earlier;`,
  },
  {
    id: "routing-router-overloaded-is-searched-on",
    does: "A node that is overloaded is asked again and again by every caller.",
    ...router,
    find: `if (!busy || (reply.status === "overloaded" && !earlier && !uncertain)) return reply;`,
    replace: "if (!busy) return reply;",
  },
  {
    id: "routing-router-unavailable-is-final",
    does: "A partition that moves while a request waits is not asked at its next owner.",
    ...router,
    find: `        typeof reply === "string" || reply.status === "unavailable" || reply.status === "overloaded";`,
    replace: `        typeof reply === "string" ||
        (reply.status === "unavailable" && attempt < 1) ||
        reply.status === "overloaded";`,
  },
  {
    id: "routing-router-unsettled-is-final",
    does: "A caller does not wait for its actor to settle.",
    ...router,
    find: "enough: (reply: Acknowledged) => boolean = ({ settled }) => settled,",
    replace: "enough: (reply: Acknowledged) => boolean = ({ settled, repeated }) => settled || !repeated,",
  },
  {
    id: "routing-router-operator-waits-for-settling",
    does: "An operator's request is repeated until the actor settles.",
    ...router,
    find: `      () => ({ op, actor, ...options }),
      () => true,`,
    replace: `      () => ({ op, actor, ...options }),`,
  },
  {
    id: "routing-router-waits-after-its-time",
    does: "A caller whose actor does not settle waits for the time of finding an owner as well.",
    ...router,
    find: "if (enough(reply) || final) return reply;",
    replace: "if (enough(reply)) return reply;",
  },
  {
    id: "routing-router-gives-no-time-to-find-an-owner",
    does: "A read fails while a partition changes hands.",
    ...router,
    find: "Math.min(begun + waitMs + findOwnerMs, connectivity.waitsEndAt())",
    replace: "Math.min(begun + Math.max(waitMs, findOwnerMs / 100), connectivity.waitsEndAt())",
  },
  {
    id: "routing-router-searches-while-its-node-leaves",
    does: "A request without an owner is repeated after its node has left.",
    ...router,
    find: "Math.min(begun + waitMs + findOwnerMs, connectivity.waitsEndAt())",
    replace: "begun + waitMs + findOwnerMs",
  },
  {
    id: "routing-router-waits-while-its-node-leaves",
    does: "A caller waits for its actor to settle after its node has left.",
    ...router,
    find: "const waitEnds = Math.min(begun + waitMs, connectivity.waitsEndAt());",
    replace: "const waitEnds = begun + waitMs;",
  },
  {
    id: "routing-router-one-try-for-all-the-time",
    does: "An owner that dies with the request costs the caller all its time.",
    ...router,
    find: "const tryMs = Math.max(0, Math.min(left, TRY_MS));",
    replace: "const tryMs = Math.max(0, Math.min(left, TRY_MS * 1000));",
  },
  {
    id: "routing-router-owner-here-is-waited-for",
    does: "A caller on the owner itself has no time limit.",
    ...router,
    find: "if (local) return await this.inTime(local.handle(request), tryMs + ANSWER_MARGIN_MS);",
    replace: "if (local) return await this.inTime(local.handle(request), (tryMs + ANSWER_MARGIN_MS) * 1000);",
  },
  {
    id: "routing-router-owner-here-is-asked-over-the-bus",
    does: "A node sends requests to itself.",
    ...router,
    find: "if (local) return await this.inTime(local.handle(request), tryMs + ANSWER_MARGIN_MS);",
    replace:
      "if (local && tryMs < 0) return await this.inTime(local.handle(request), tryMs + ANSWER_MARGIN_MS);",
  },
  {
    id: "routing-router-no-owner-counts-as-no-answer",
    does: "A request that no node received counts as perhaps applied.",
    ...router,
    find: `answer.status === "no_responders" ? NO_OWNER : NO_ANSWER`,
    replace: `answer.status === "no_responders" ? NO_ANSWER : NO_OWNER`,
  },
  {
    id: "routing-router-pauses-grow-without-limit",
    does: "A request misses the next owner because it waits for seconds between two tries.",
    ...router,
    find: "Math.min(5 * 2 ** attempt, SLOWEST_RETRY_MS)",
    replace: "Math.min(5 * 2 ** attempt, SLOWEST_RETRY_MS * 1000)",
  },
  {
    id: "routing-router-drops-the-request-hash",
    does: "A start with the same id and another request is taken for a repeat.",
    ...router,
    find: "...(options.request === undefined ? {} : { request: options.request }),",
    replace: "...(options.request === undefined ? {} : {}),",
  },
  {
    id: "routing-router-lists-what-is-not-parked",
    does: "Operators see actors whose parking has ended.",
    ...router,
    find: `        if (entry?.status !== "parked") continue;
        parkings.push(entry);`,
    replace: `        if (entry === undefined) continue;
        parkings.push(entry as Parking);
        if (entry.status !== "parked") continue;`,
  },
  {
    id: "routing-router-finds-what-is-not-parked",
    does: "A parking that has ended is found.",
    ...router,
    find: `return entry?.status === "parked" ? entry : undefined;`,
    replace: `return entry?.actor === actor ? (entry as Parking) : undefined;`,
  },
  {
    id: "routing-router-reads-the-list-for-each-partition",
    does: "Every parked actor is listed once for each partition.",
    ...router,
    find: "const journals = new Set(Array.from({ length: partitions }, (_, partition) => journalOf(partition)));",
    replace: "const journals = Array.from({ length: partitions }, (_, partition) => journalOf(partition));",
  },
  {
    id: "routing-router-accepts-any-actor-id",
    does: "An actor is started under an id that is no subject token.",
    file: "src/runtime/routing/router.ts",
    find: "if (!isActorId(actor)) return Promise.resolve(invalidId(actor));",
    replace: 'if (actor === "" && !isActorId(actor)) return Promise.resolve(invalidId(actor));',
    tests: ["test/unit/runtime/host.test.ts"],
  },
];
