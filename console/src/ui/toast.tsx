/** Short reports of what an action did. Screen readers announce them. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { problemOf } from "../api/problem.ts";
import { IconButton } from "./button.tsx";
import styles from "./ui.module.css";

type Toast = { readonly id: number; readonly kind: "done" | "error"; readonly content: ReactNode };
type Toasts = { readonly report: (content: ReactNode) => void; readonly fail: (error: unknown) => void };

const SHOWN_MS = 8000;
const MOST = 4;
let last = 0;

const ToastContext = createContext<Toasts | undefined>(undefined);

/** Shows reports: `report` of what is done, `fail` of a problem. @throws Error outside of the provider */
export function useToasts(): Toasts {
  const toasts = useContext(ToastContext);
  if (!toasts) throw new Error("there is no ToastProvider");
  return toasts;
}

/** Keeps at most four reports; those of what is done go by themselves, failures stay until they are closed. */
export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [shown, setShown] = useState<readonly Toast[]>([]);
  const close = useCallback((id: number) => setShown((before) => before.filter((one) => one.id !== id)), []);
  const add = useCallback(
    (kind: Toast["kind"], content: ReactNode) => {
      const id = ++last;
      setShown((before) => [...before, { id, kind, content }].slice(-MOST));
      if (kind === "done") window.setTimeout(() => close(id), SHOWN_MS);
    },
    [close],
  );
  const toasts = useMemo<Toasts>(
    () => ({
      report: (content) => add("done", content),
      fail: (error) => {
        const { code, detail, title } = problemOf(error);
        add(
          "error",
          <>
            <strong>{title}</strong>
            <div className="dim">{detail}</div>
            <div className="dim mono">{code}</div>
          </>,
        );
      },
    }),
    [add],
  );
  return (
    <ToastContext value={toasts}>
      {children}
      <div className={styles["toasts"]} role="status" aria-live="polite">
        {shown.map(({ id, kind, content }) => (
          <div key={id} className={styles["toast"]} data-kind={kind}>
            <div>{content}</div>
            <IconButton icon="close" label="Close this report" onClick={() => close(id)} />
          </div>
        ))}
      </div>
    </ToastContext>
  );
}
