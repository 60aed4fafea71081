/** The actions that an order takes now; those that it does not take are there with the reason. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sessionQuery } from "../api/queries.ts";
import type { OrderAction } from "../api/types.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ActionDialog } from "./action-dialog.tsx";
import { permissionFor } from "./action-rights.ts";
import { useKeys } from "./use-keys.ts";
import styles from "./order.module.css";

/** Buttons of the actions, and their dialogs. */
export function Actions({
  actions,
  id,
  version,
}: {
  readonly id: string;
  readonly version: number;
  readonly actions: readonly OrderAction[];
}) {
  const [chosen, setChosen] = useState<OrderAction["event"]>();
  const [all, setAll] = useState(false);
  const { data: session } = useQuery(sessionQuery);
  /** An action that the user's role may not take is refused here already, with the reason. */
  const known = actions.map((action): OrderAction => {
    const needs = permissionFor(action.path);
    if (!session || session.permissions.includes(needs)) return action;
    return {
      ...action,
      enabled: false,
      why: `Your roles (${session.roles.join(", ")}) may not: it needs ${needs}`,
    };
  });
  const enabled = known.filter((action) => action.enabled);
  // The safe ones first: the first of them is the next step of the order.
  const ordered = enabled.toSorted((a, b) => Number(a.danger) - Number(b.danger));
  useKeys({ d: () => ordered[0] && setChosen(ordered[0].event) });
  const action = known.find(({ event }) => event === chosen);
  return (
    <div className={styles["actions"]}>
      {ordered.slice(0, 3).map(({ danger, event, title }, at) => (
        <Button
          key={event}
          kind={danger ? "danger" : at === 0 ? "primary" : "plain"}
          onClick={() => setChosen(event)}
        >
          {title}
          {danger && "…"}
        </Button>
      ))}
      <Button kind="plain" icon="down" onClick={() => setAll(true)}>
        All actions
      </Button>
      {all && (
        <Dialog title="All actions" onClose={() => setAll(false)} wide>
          <ul className={styles["allActions"]}>
            {known.map(({ danger, enabled, event, title, why }) => (
              <li key={event}>
                <Button
                  kind={danger && enabled ? "danger" : "plain"}
                  disabled={!enabled}
                  aria-describedby={why === undefined ? undefined : `why-${event}`}
                  onClick={() => {
                    setAll(false);
                    setChosen(event);
                  }}
                >
                  {title}
                </Button>
                {why !== undefined && (
                  <span id={`why-${event}`} className="dim">
                    {why}
                  </span>
                )}
              </li>
            ))}
          </ul>
        </Dialog>
      )}
      {action && (
        <ActionDialog
          key={action.event}
          id={id}
          version={version}
          action={action}
          onClose={() => setChosen(undefined)}
          onDone={() => setChosen(undefined)}
        />
      )}
    </div>
  );
}
