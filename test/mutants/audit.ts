/** Planted bugs of the audit log: what is recorded, when, and what a check of the chains finds. */
import type { Mutant } from "./mutant.ts";

const CALLS = "src/http/audit/record-calls.ts";
const LOG = "src/services/audit/audit-log.ts";
const CHAIN = "src/services/audit/chain.ts";
const CALLS_TEST = "test/integration/http/audit.test.ts";
const LOG_TEST = "test/unit/services/audit/audit-log.test.ts";

export const auditMutants: readonly Mutant[] = [
  {
    id: "audit-done-unrecorded",
    does: "A call is done although it cannot be recorded.",
    file: CALLS,
    find: 'if (result.status === "stored") request.audited = entry;',
    replace: 'if (result.status !== "refused") request.audited = entry;',
    tests: [CALLS_TEST],
  },
  {
    id: "audit-persons",
    does: "Entries have e-mail addresses.",
    file: CALLS,
    find: "hideAddresses(reason).slice",
    replace: "reason.slice",
    tests: [CALLS_TEST],
  },
  {
    id: "audit-support-places",
    does: "Orders that support places are not recorded.",
    file: CALLS,
    find: 'caller.kind === "anonymous"',
    replace: 'caller.kind === "anonymous" || access === "orders:place"',
    tests: [CALLS_TEST],
  },
  {
    id: "audit-forked-chain",
    does: "Two processes of one name write two chains.",
    file: LOG,
    find: "fence: { subject, sequence }",
    replace: "...(sequence < 0 && { fence: { subject, sequence } })",
    tests: [LOG_TEST],
  },
  {
    id: "audit-stored-twice",
    does: "An entry whose answer is lost is stored twice.",
    file: LOG,
    find: 'if (written !== "" && payload === written)',
    replace: 'if (written === "" && payload === written)',
    tests: [LOG_TEST],
  },
  {
    id: "audit-change-unseen",
    does: "A check does not see a changed entry.",
    file: CHAIN,
    find: "link.n !== head.n + 1 || link.previous !== head.hash",
    replace: "link.n !== head.n + 1",
    tests: [LOG_TEST],
  },
  {
    id: "audit-removal-unseen",
    does: "A check does not see that an entry is missing.",
    file: CHAIN,
    find: "if (sequence !== missing) return { sequence: missing",
    replace: "if (sequence < missing) return { sequence: missing",
    tests: [LOG_TEST],
  },
];
