/** Planted bugs of bulk operations. */
import type { Mutant } from "./mutant.ts";

const MACHINE = "machines/bulk.ts";
const MACHINE_TEST = "test/unit/machines/bulk.test.ts";
const DEFINITION = "src/services/bulk/definition.ts";
const DEFINITION_TEST = "test/unit/services/bulk/definition.test.ts";
const SERVICE = "src/services/bulk/bulk-service.ts";
const SERVICE_TEST = "test/unit/services/bulk/bulk-service.test.ts";
const ITEMS = "src/services/bulk/bulk-items.ts";
const ITEMS_TEST = "test/unit/services/bulk/bulk-items.test.ts";
const CHUNKS_TEST = "test/unit/services/bulk/chunks.test.ts";
const TOKEN_TEST = "test/unit/services/bulk/selection-token.test.ts";
const ROUTES_TEST = "test/integration/http/bulk.test.ts";

export const bulkMutants: readonly Mutant[] = [
  {
    id: "bulk-stop-forgotten",
    does: "A stopped operation sends its next chunk.",
    file: MACHINE,
    find: '        { guard: "isStopping", target: "stopped" },\n',
    replace: "",
    tests: [MACHINE_TEST],
  },
  {
    id: "bulk-chunk-again",
    does: "A chunk that has its outcomes is sent again.",
    file: DEFINITION,
    find: "  if (known) return { outcomes: countsOf(known) };\n",
    replace: "",
    tests: [DEFINITION_TEST],
  },
  {
    id: "bulk-own-outcomes",
    does: "An owner counts its own outcomes although others are stored.",
    file: ITEMS,
    find: 'if (result.status === "stored") return entry;',
    replace: "if (result) return entry;",
    tests: [ITEMS_TEST],
  },
  {
    id: "bulk-one-key",
    does: "The commands of an operation share one key.",
    file: "src/services/bulk/send-item.ts",
    find: "`blk:${bulk}:${order}`",
    replace: "`blk:${bulk}`",
    tests: [DEFINITION_TEST],
  },
  {
    id: "bulk-answers-missing",
    does: "A chunk counts although orders gave no answer.",
    file: DEFINITION,
    find: "if (signal.aborted || (open > 0 && !isLast))",
    replace: "if (signal.aborted)",
    tests: [DEFINITION_TEST],
  },
  {
    id: "bulk-never-last",
    does: "An operation that is stopped waits for orders that give no answer.",
    file: MACHINE,
    find: "isLast: isStopping || failures >= CHUNK_TRIES,",
    replace: "isLast: failures >= CHUNK_TRIES,",
    tests: [MACHINE_TEST],
  },
  {
    id: "bulk-grown",
    does: "A selection may grow by more than a tenth.",
    file: "src/services/bulk/chunks.ts",
    find: "count * 10 > previewed * 11",
    replace: "count * 10 > previewed * 12",
    tests: [CHUNKS_TEST],
  },
  {
    id: "bulk-expired",
    does: "A token lives on.",
    file: SERVICE,
    find: '    if (sources.now() > previewed.expiresAt) return { status: "token_expired" };\n',
    replace: "",
    tests: [SERVICE_TEST],
  },
  {
    id: "bulk-token-twice",
    does: "A token starts an operation for each key.",
    file: SERVICE,
    find: '    if (owner !== id) return { status: "token_used", bulkId: owner };\n',
    replace: "",
    tests: [SERVICE_TEST],
  },
  {
    id: "bulk-key-other-token",
    does: "A key with another token gets the operation of the first one.",
    file: SERVICE,
    find: '  if (reply.snapshot.request !== request) return { status: "idempotency_key_reused", bulkId: id };\n',
    replace: "",
    tests: [SERVICE_TEST],
  },
  {
    id: "bulk-older-list",
    does: "A start reads a list that is older than that of the preview.",
    file: "src/services/bulk/selecting.ts",
    find: "cursor === undefined ? { minSequence: known } : { cursor }",
    replace: "cursor === undefined ? {} : { cursor }",
    tests: [SERVICE_TEST],
  },
  {
    id: "bulk-tag-not-checked",
    does: "A token that was changed is opened.",
    file: "src/services/bulk/selection-token.ts",
    find: "cipher.getAuthTag(), ...sealed",
    replace: "Buffer.alloc(TAG_BYTES), ...sealed",
    tests: [TOKEN_TEST],
  },
  {
    id: "bulk-burst",
    does: "After a pause the commands come in a burst.",
    file: "src/services/bulk/pacer.ts",
    find: "this.earliest = this.clock.monotonic() + this.gapMs;",
    replace: "this.earliest = Math.max(this.earliest, 0) + this.gapMs;",
    tests: [CHUNKS_TEST],
  },
  {
    id: "bulk-page-end",
    does: "The last chunk of an operation is on no page.",
    file: SERVICE,
    find: "while (place.chunk < Math.min(end, context.chunks)) {",
    replace: "while (place.chunk < Math.min(end, context.chunks - 1)) {",
    tests: [SERVICE_TEST],
  },
  {
    id: "bulk-eligible-parked",
    does: "A parked order counts as one that takes commands.",
    file: "src/services/projection/shape.ts",
    find: 'if (action === "resume" || parked) return action === "resume" && parked;',
    replace: 'if (action === "resume") return parked;',
    tests: ["test/unit/services/projection/shape.test.ts"],
  },
  {
    id: "bulk-without-key",
    does: "A start needs no idempotency key.",
    file: "src/http/bulk/routes.ts",
    find: '"token" in body) await requireIdempotencyKey(request);',
    replace: '"token" in body) return;',
    tests: [ROUTES_TEST],
  },
  {
    id: "bulk-every-order",
    does: "A plan without any filter is taken.",
    file: "src/http/bulk/routes.ts",
    find: "  const isEmpty = Object.keys(filter ?? {}).length === 0;",
    replace: "  const isEmpty = filter === undefined;",
    tests: [ROUTES_TEST],
  },
];
