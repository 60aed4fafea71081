/** Asks for the name of a view. */
import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { viewLimits } from "./saved-views.ts";

/** The dialog. */
export default function SaveView({
  onClose,
  onSave,
}: {
  readonly onClose: () => void;
  readonly onSave: (name: string) => void;
}) {
  const [name, setName] = useState("");
  const given = name.trim();
  return (
    <Dialog
      title="Save this view"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="primary" disabled={given === ""} onClick={() => onSave(given)}>
            Save
          </Button>
        </>
      }
    >
      <TextField
        label="Name"
        hint="The view stays in this browser. Its address can be sent to others."
        maxLength={viewLimits.name}
        value={name}
        data-first
        onChange={({ target }) => setName(target.value)}
      />
    </Dialog>
  );
}
