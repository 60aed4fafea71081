/** Ids, with a button that copies them. */
import { useState } from "react";
import { Link } from "wouter";
import { IconButton } from "./button.tsx";
import styles from "./ui.module.css";

const COPIED_MS = 1500;

/** A button that copies a text. @param what names it: "Copy …" */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without the right to write to the clipboard the text is still there to be selected.
      return;
    }
    setCopied(true);
    window.setTimeout(() => setCopied(false), COPIED_MS);
  };
  return (
    <IconButton
      icon={copied ? "check" : "copy"}
      label={copied ? `Copied ${what}` : `Copy ${what}`}
      onClick={() => void copy()}
    />
  );
}

/** An id; with `to` it is a link. */
export function Id({
  id,
  to,
  copy = true,
}: {
  readonly id: string;
  readonly to?: string;
  readonly copy?: boolean;
}) {
  return (
    <span className={styles["id"]}>
      {to === undefined ? <span title={id}>{id}</span> : <Link href={to}>{id}</Link>}
      {copy && <CopyButton text={id} what={id} />}
    </span>
  );
}
