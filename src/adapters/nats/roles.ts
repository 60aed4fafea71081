/** The users that a NATS server may know, by what their processes do. Data only. */

/**
 * `setup` makes and changes streams; `node` is an order node with its workers and its list of orders; `keys` are the
 * commands that write API keys and wrap personal keys; `reader` reads orders; `operator` reads everything with the
 * `nats` command.
 */
export const roles = ["setup", "node", "keys", "reader", "operator"] as const;

/** One of them. */
export type Role = (typeof roles)[number];

/**
 * First token of the subjects on which a role takes answers. A user may subscribe to those of its own role alone, or
 * it could read all answers. The `nats` command uses the clients' default.
 */
export const inboxPrefixOf = (role: Role): string => (role === "operator" ? "_INBOX" : `_INBOX_${role}`);
