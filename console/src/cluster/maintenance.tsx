/** Whether new orders are taken, and the switch for it. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { maintenanceQuery, setMaintenance } from "../api/operations.ts";
import { Button } from "../ui/button.tsx";
import { StateChip } from "../ui/chip.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Failure } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";
import { useToasts } from "../ui/toast.tsx";

/** The state as a chip, and a button that changes it after a reason was given. */
export function Maintenance() {
  const query = useQuery(maintenanceQuery);
  const [asks, setAsks] = useState(false);
  if (!query.data) return null;
  const { reason, since, takingOrders } = query.data;
  return (
    <>
      <StateChip
        meaning={takingOrders ? "done" : "held"}
        label={takingOrders ? "taking new orders" : "refusing new orders"}
      />
      {!takingOrders && (
        <span className="dim">
          {reason} {since && <Time at={since} />}
        </span>
      )}
      <Button onClick={() => setAsks(true)}>
        {takingOrders ? "Stop taking orders…" : "Take orders again…"}
      </Button>
      {asks && <Ask takes={takingOrders} onClose={() => setAsks(false)} />}
    </>
  );
}

function Ask({ takes, onClose }: { readonly takes: boolean; readonly onClose: () => void }) {
  const client = useQueryClient();
  const { report } = useToasts();
  const [reason, setReason] = useState("");
  const change = useMutation({
    mutationFn: () => setMaintenance({ takingOrders: !takes, reason }),
    onSuccess: (state) => {
      client.setQueryData(maintenanceQuery.queryKey, state);
      report(state.takingOrders ? "New orders are taken" : "New orders are refused on all nodes");
      onClose();
    },
  });
  return (
    <Dialog
      title={takes ? "Stop taking new orders" : "Take new orders again"}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button
            kind={takes ? "danger" : "primary"}
            disabled={reason.trim() === "" || change.isPending}
            onClick={() => change.mutate()}
          >
            {takes ? "Refuse new orders" : "Take new orders"}
          </Button>
        </>
      }
    >
      <p>
        {takes
          ? "All nodes refuse new orders until they are taken again. Open orders go on."
          : "All nodes take new orders."}
      </p>
      <TextField
        label="Reason"
        hint="Callers whose orders are refused read it."
        maxLength={200}
        value={reason}
        onChange={({ target }) => setReason(target.value)}
      />
      {change.error && <Failure error={change.error} />}
    </Dialog>
  );
}
