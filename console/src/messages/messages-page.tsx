/** What was abandoned or stopped: dead letters of the workers, and parked orders, by their cause. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { deadLettersQuery, parkedQuery } from "../api/operations.ts";
import { Page, type PageParams } from "../app/page.tsx";
import { DeadLetters } from "./dead-letters.tsx";
import { Parked } from "./parked.tsx";
import styles from "./messages.module.css";

/** The page. The part of the address after `/messages/` says which list is shown. */
export default function MessagesPage({ params }: { readonly params: PageParams }) {
  const shown = params["tab"] === "parked" ? "parked" : "dead-letters";
  const letters = useQuery(deadLettersQuery);
  const parked = useQuery(parkedQuery);
  const countOf = (found: typeof letters.data | typeof parked.data) =>
    found === undefined ? "" : ` ${found.items.length}${found.more ? "+" : ""}`;
  return (
    <Page title={shown === "parked" ? "Parked orders" : "Dead letters"} heading="Messages">
      <nav className={styles["tabs"]} aria-label="Lists">
        <Link
          href="/messages/dead-letters"
          className={styles["tab"] ?? ""}
          aria-current={shown === "dead-letters" ? "page" : undefined}
        >
          Dead letters{countOf(letters.data)}
        </Link>
        <Link
          href="/messages/parked"
          className={styles["tab"] ?? ""}
          aria-current={shown === "parked" ? "page" : undefined}
        >
          Parked orders{countOf(parked.data)}
        </Link>
      </nav>
      {shown === "parked" ? <Parked query={parked} /> : <DeadLetters query={letters} />}
    </Page>
  );
}
