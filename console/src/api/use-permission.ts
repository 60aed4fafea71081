/** What the user may do, as the node says. */
import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "./queries.ts";
import type { Permission } from "./types.ts";

/**
 * Why the user may not do something; undefined: it may, or the node has not said yet. The node decides again with each
 * request.
 */
export function useRefusal(permission: Permission): string | undefined {
  const { data } = useQuery(sessionQuery);
  return data === undefined || data.permissions.includes(permission)
    ? undefined
    : `Your role${data.roles.length === 1 ? "" : "s"} (${data.roles.join(", ")}) may not do this: it needs ${permission}`;
}
