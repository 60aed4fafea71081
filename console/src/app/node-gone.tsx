/** When the node that served the page is gone, the others of the cluster can go on with the same page. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Cluster } from "../api/types.ts";
import type { NodeFacts } from "../facts.ts";
import { useLiveState } from "../live/use-live.ts";
import { buttonClass } from "../ui/button.tsx";
import styles from "./shell.module.css";

const FAILURES = 2;
const MOVE_MS = 3000;

/** Other nodes with the address of this page. In development the page moves by itself after a moment. */
export function NodeGone({ facts }: { readonly facts: NodeFacts }) {
  const { failures } = useLiveState();
  const client = useQueryClient();
  const gone = failures >= FAILURES;
  const [stays, setStays] = useState(false);
  const { origin, pathname, search } = window.location;
  const others = (client.getQueryData<Cluster>(["cluster"])?.nodes ?? []).filter(({ url }) => url !== origin);
  const first = others[0]?.url;
  const moves = gone && !stays && facts.environment === "development" && first !== undefined;
  useEffect(() => {
    if (!moves) return undefined;
    const timer = window.setTimeout(() => window.location.assign(first + pathname + search), MOVE_MS);
    return () => window.clearTimeout(timer);
  }, [moves, first, pathname, search]);
  if (!gone) return null;
  return (
    <div className={styles["gone"]} role="alert">
      <span>
        <strong>{new URL(origin).host} sends no live changes.</strong>{" "}
        {moves
          ? `This page moves to ${others[0]?.id} in a moment.`
          : `The page shows what it knew${others.length > 0 ? "; another node can go on" : ""}.`}
      </span>
      {others.map(({ id, url }) => (
        <a key={id} className={buttonClass} href={url + pathname + search}>
          Continue on {id}
        </a>
      ))}
      {moves && (
        <button type="button" className={buttonClass} onClick={() => setStays(true)}>
          Stay here
        </button>
      )}
    </div>
  );
}
