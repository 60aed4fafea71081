/** Planted bugs of outgoing webhooks. */
import type { Mutant } from "./mutant.ts";

const TARGET = "src/services/outgoing/target.ts";
const TARGET_TEST = "test/unit/services/outgoing/target.test.ts";
const POST = "src/services/outgoing/post.ts";
const POST_TEST = "test/unit/services/outgoing/post.test.ts";
const ORDER = "src/services/outgoing/delivery-order.ts";
const ORDER_TEST = "test/unit/services/outgoing/delivery-order.test.ts";
const SENDER = "src/services/outgoing/endpoint-sender.ts";
const SENDER_TEST = "test/unit/services/outgoing/endpoint-sender.test.ts";
const SENDING_TEST = "test/unit/services/outgoing/sending.test.ts";
const SERVICE_TEST = "test/unit/services/outgoing/outgoing-service.test.ts";

export const outgoingMutants: readonly Mutant[] = [
  {
    id: "outgoing-mapped",
    does: "An IPv4 address that is written as IPv6 is not judged as what it is.",
    file: TARGET,
    find: "const address = ipaddr.process(text);\n  if (address.range()",
    replace: "const address = ipaddr.parse(text);\n  if (address.range()",
    tests: [TARGET_TEST],
  },
  {
    id: "outgoing-compatible",
    does: "An IPv4 address in IPv6 of the deprecated form is allowed.",
    file: TARGET,
    find: "return !(address instanceof ipaddr.IPv6 && address.match(...IPV4_COMPATIBLE));",
    replace: "return true;",
    tests: [TARGET_TEST],
  },
  {
    id: "outgoing-range",
    does: "Special ranges are allowed.",
    file: TARGET,
    find: 'if (address.range() !== "unicast") return false;',
    replace: 'if (address.range() === "private") return false;',
    tests: [TARGET_TEST],
  },
  {
    id: "outgoing-credentials",
    does: "A URL may have a password.",
    file: TARGET,
    find: 'if (url.username !== "" || url.password !== "")',
    replace: 'if (url.username !== "")',
    tests: [TARGET_TEST],
  },
  {
    id: "outgoing-first-address",
    does: "One good address of a name is enough.",
    file: POST,
    find: "found.every(({ address })",
    replace: "found.some(({ address })",
    tests: [POST_TEST],
  },
  {
    id: "outgoing-literal",
    does: "An address in place of a name is not checked.",
    file: POST,
    find: '    if (fault !== undefined) return { status: null, error: "address_refused" };\n',
    replace: "",
    tests: [POST_TEST],
  },
  {
    id: "outgoing-kept-connection",
    does: "A connection to an address that was checked earlier is used again.",
    file: POST,
    find: "        reset: true,\n",
    replace: "",
    tests: [POST_TEST],
  },
  {
    id: "outgoing-out-of-order",
    does: "An event is sent before the earlier ones of its order.",
    file: ORDER,
    find: "if (lane.isTaken || lane.notBefore > now) continue;",
    replace: "if (lane.notBefore > now) continue;",
    tests: [ORDER_TEST],
  },
  {
    id: "outgoing-many-at-once",
    does: "Any number of events is sent at once.",
    file: ORDER,
    find: "    if (this.taken >= AT_ONCE) return undefined;\n    for",
    replace: "    for",
    tests: [ORDER_TEST],
  },
  {
    id: "outgoing-position",
    does: "The position passes events that are not over.",
    file: ORDER,
    find: "return oldest === undefined ? reached : oldest - 1;",
    replace: "return oldest === undefined ? reached : reached;",
    tests: [ORDER_TEST],
  },
  {
    id: "outgoing-again",
    does: "The next sender sends again what is over.",
    file: SENDER,
    find: 'if (isMine && known?.state !== "pending") {',
    replace: 'if (isMine && known?.state === "failed") {',
    tests: [SENDER_TEST],
  },
  {
    id: "outgoing-for-ever",
    does: "An event that always fails is sent for ever.",
    file: SENDER,
    find: 'return attempts >= TRIES_MAX ? "failed" : "pending";',
    replace: 'return attempts >= 2 * TRIES_MAX ? "failed" : "pending";',
    tests: [SENDER_TEST],
  },
  {
    id: "outgoing-tries-anew",
    does: "The next sender counts the tries of an event anew.",
    file: SENDER,
    find: "const attempts = (isMine ? (known?.attempts ?? 0) : 0) + 1;",
    replace: "const attempts = 1;",
    tests: [SENDER_TEST],
  },
  {
    id: "outgoing-old-position",
    does: "A replay goes on where the endpoint was.",
    file: "src/services/outgoing/endpoints.ts",
    find: "generation === endpoint.generation && isPositions(positions)",
    replace: "isPositions(positions)",
    tests: [SERVICE_TEST],
  },
  {
    id: "outgoing-plain-secret",
    does: "The secret of an endpoint is stored as it is.",
    file: "src/services/outgoing/outgoing-service.ts",
    find: "secret: await secrets.seal(id, secret),",
    replace: "secret,",
    tests: [SERVICE_TEST],
  },
  {
    id: "outgoing-former-forever",
    does: "The secret before a rotation signs without an end.",
    file: SENDER,
    find: "secrets.filter(({ until = Number.POSITIVE_INFINITY }) => now < until)",
    replace: "secrets.filter(({ until = Number.POSITIVE_INFINITY }) => until > 0)",
    tests: [SERVICE_TEST],
  },
  {
    id: "outgoing-rotated-at-once",
    does: "The secret before a rotation does not sign any more.",
    file: "src/services/outgoing/endpoints.ts",
    find: "return isFormer ? {",
    replace: "return !isFormer ? {",
    tests: [SERVICE_TEST],
  },
  {
    id: "outgoing-rotated-unseen",
    does: "The owner goes on with the secret before the rotation.",
    file: "src/services/outgoing/sending.ts",
    find: "${endpoint.generation}.${endpoint.secret}`",
    replace: "${endpoint.generation}`",
    tests: [SENDING_TEST],
  },
  {
    id: "outgoing-one-keeps-others",
    does: "An endpoint that cannot begin is not tried again.",
    file: "src/services/outgoing/sending.ts",
    find: "        isDone = false;\n",
    replace: "",
    tests: [SENDING_TEST],
  },
];
