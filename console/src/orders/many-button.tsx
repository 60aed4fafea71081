/** The button of a command to many orders. */
import type { ReactNode } from "react";
import { useRefusal } from "../api/use-permission.ts";
import { Button } from "../ui/button.tsx";

/** A button that is disabled with its reason: the user's role, or what the page says. */
export function ManyButton({
  children,
  onClick,
  refusal,
}: {
  readonly refusal: string | undefined;
  readonly onClick: () => void;
  readonly children: ReactNode;
}) {
  const forbidden = useRefusal("bulk:run") ?? refusal;
  return (
    <Button kind="quiet" disabled={forbidden !== undefined} title={forbidden} onClick={onClick}>
      {children}
    </Button>
  );
}
