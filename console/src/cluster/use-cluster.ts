/** The cluster as it is, and what happened while the page was open. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { clusterQuery } from "../api/queries.ts";
import type { Cluster } from "../api/types.ts";
import { useTopic } from "../live/use-live.ts";
import { begin, follow, type Followed } from "./cluster-log.ts";

/** Follows the cluster. `followed` is absent until the first view is there. */
export function useCluster() {
  const client = useQueryClient();
  const query = useQuery(clusterQuery);
  const [followed, setFollowed] = useState<Followed | undefined>(undefined);
  const { data } = query;
  useEffect(() => {
    if (data)
      setFollowed((before) => {
        const at = Date.now();
        if (before === undefined) return begin(data, at);
        return before.view === data ? before : follow(before, data, at);
      });
  }, [data]);
  useTopic("cluster", ({ data: view, event }) => {
    if (event === "cluster") client.setQueryData(clusterQuery.queryKey, view as Cluster);
  });
  return { query, followed };
}
