/** API keys for tests of routes: one key, whose text opens nothing. */
import type { ApiKey, ApiKeys } from "../../src/services/access/contract.ts";

const apiKey: ApiKey = {
  id: "k4Yx0aZq81",
  name: "web shop",
  roles: ["channel"],
  customerId: null,
  createdAt: "2026-11-22T10:00:00.000Z",
  createdBy: "command line",
  expiresAt: null,
  revokedAt: null,
};

/** Makes and revokes one key that opens nothing. */
export const oneKey: ApiKeys = {
  create: async () => ({ status: "created", key: apiKey, text: "ok_text" }),
  list: () => [apiKey],
  revoke: async () => ({ status: "revoked", key: apiKey }),
  find: () => undefined,
  isValid: () => false,
};
