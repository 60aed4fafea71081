import type { Requester } from "../../services/orders/contract.ts";

/** Who asks by HTTP, as records and the history name it: without authentication all callers are the same one. */
export const requester: Requester = { kind: "anonymous" };
