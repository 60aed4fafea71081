/** Does the same for several things, one after the other, after the operator has confirmed it. */
import { useState } from "react";
import { problemOf } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { inWords } from "../ui/format.ts";

type Outcome = { readonly name: string; readonly problem: string | undefined };

/** What is going to be done. */
export type Run = {
  readonly title: string;
  /** What it means, and whether it can be undone. */
  readonly says: string;
  readonly verb: string;
  readonly danger?: true;
  /** Whether a reason is asked for; it is recorded. */
  readonly reason?: "required" | "optional";
  /** Names of what it is done to, and how. The reason is empty when there is none. */
  readonly each: readonly { readonly name: string; readonly act: (reason: string) => Promise<unknown> }[];
};

const SHOWN = 10;

/** Asks, does, and shows what became of each; it can be stopped between two. */
export function RunEach({ run, onClose }: { readonly run: Run; readonly onClose: () => void }) {
  const { danger, each, reason: asks, says, title, verb } = run;
  const [reason, setReason] = useState("");
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>([]);
  const [state, setState] = useState<"asks" | "runs" | "done">("asks");
  const [control] = useState({ stopped: false });
  const start = async () => {
    setState("runs");
    for (const { act, name } of each) {
      if (control.stopped) break;
      const problem = await act(reason.trim()).then(
        () => undefined,
        (error: unknown) => problemOf(error).code,
      );
      setOutcomes((before) => [...before, { name, problem }]);
    }
    setState("done");
  };
  const close = () => {
    control.stopped = true;
    onClose();
  };
  const failed = outcomes.filter(({ problem }) => problem !== undefined);
  return (
    <Dialog
      title={title}
      onClose={close}
      footer={
        state === "asks" ? (
          <>
            <Button onClick={close}>Leave it</Button>
            <Button
              kind={danger ? "danger" : "primary"}
              disabled={asks === "required" && reason.trim() === ""}
              onClick={() => void start()}
            >
              {verb} {each.length > 1 ? `all ${each.length}` : ""}
            </Button>
          </>
        ) : (
          <Button onClick={close}>{state === "runs" ? "Stop" : "Close"}</Button>
        )
      }
    >
      <p>{says}</p>
      <ul className="mono">
        {each.slice(0, SHOWN).map(({ name }) => (
          <li key={name}>{name}</li>
        ))}
        {each.length > SHOWN && <li>and {each.length - SHOWN} more</li>}
      </ul>
      {state === "asks" && asks && (
        <TextField
          label={asks === "required" ? "Reason" : "Reason (may be left out)"}
          hint="It is recorded with what is done."
          maxLength={500}
          value={reason}
          onChange={({ target }) => setReason(target.value)}
        />
      )}
      {state !== "asks" && (
        <div role="status">
          <progress value={outcomes.length} max={each.length} aria-label="Progress" />
          <p>
            {outcomes.length - failed.length} of {each.length} done
            {failed.length > 0 && `, ${failed.length} refused`}
          </p>
          {failed.slice(0, SHOWN).map(({ name, problem }) => (
            <p key={name}>
              <span className="mono">{name}</span>: {inWords(problem ?? "")}
            </p>
          ))}
        </div>
      )}
    </Dialog>
  );
}
