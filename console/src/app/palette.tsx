/** Finds a page, an order or an action by what is typed. */
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useDeferredValue, useEffect, useId, useRef, useState } from "react";
import { useLocation } from "wouter";
import { ordersQuery } from "../api/queries.ts";
import { Dialog } from "../ui/dialog.tsx";
import { inputClass } from "../ui/field.tsx";
import { inWords } from "../ui/format.ts";
import { type Entry, isOrderId, isSearch, matching, moved } from "./palette-entries.ts";
import styles from "./overlays.module.css";

const FOUND = 8;

/** The dialog. @param entries pages and actions; orders are found by the server */
export default function Palette({
  entries,
  onClose,
}: {
  readonly entries: readonly Entry[];
  readonly onClose: () => void;
}) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [, navigate] = useLocation();
  const list = useId();
  const options = useRef<HTMLDivElement>(null);
  const searched = useDeferredValue(text.trim());
  const orders = useQuery({ ...ordersQuery({ q: searched, limit: FOUND }), enabled: isSearch(searched) });
  const open = (id: string): Entry => ({
    id,
    title: id,
    hint: "open the order",
    run: () => navigate(`/orders/${id}`),
  });
  const found = (isSearch(text) ? (orders.data?.items ?? []) : []).map(({ id, status }) => ({
    ...open(id),
    hint: inWords(status),
  }));
  const exact = isOrderId(text) && !found.some(({ id }) => id === text.trim()) ? [open(text.trim())] : [];
  const shown = [...exact, ...matching(entries, text), ...found];
  const chosen = Math.min(at, Math.max(0, shown.length - 1));
  useEffect(() => {
    options.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") {
      event.preventDefault();
      run(shown[chosen]);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt(moved(chosen, event.key, shown.length));
    }
  };
  return (
    <Dialog title="Find" onClose={onClose}>
      <div className={styles["palette"]}>
        <input
          className={inputClass}
          role="combobox"
          aria-label="Find a page, an order or an action"
          aria-expanded="true"
          aria-controls={list}
          aria-activedescendant={shown[chosen] ? `${list}-${chosen}` : undefined}
          placeholder="a page, an order, an action"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={({ target }) => {
            setText(target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
          data-first
        />
        <div ref={options} id={list} role="listbox" aria-label="Found" className={styles["options"]}>
          {shown.map((entry, index) => (
            <div
              key={entry.id}
              id={`${list}-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              className={styles["option"]}
              onPointerMove={() => setAt(index)}
              onClick={() => run(entry)}
              onKeyDown={onKeyDown}
            >
              <span>{entry.title}</span>
              <small className="dim">{entry.hint}</small>
            </div>
          ))}
        </div>
        {shown.length === 0 && (
          <p className="dim" role="status">
            {orders.isFetching ? "Searching…" : "Nothing has these words."}
          </p>
        )}
      </div>
    </Dialog>
  );
}
