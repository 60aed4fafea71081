/** The lines of a new order, and the search of the catalogue. */
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";
import type { Stock } from "../api/types.ts";
import { Button, IconButton } from "../ui/button.tsx";
import { inputClass, TextField } from "../ui/field.tsx";
import { formatCount } from "../ui/format.ts";
import { Money } from "../ui/money.tsx";
import { Empty, Frame, Loaded } from "../ui/panel.tsx";
import { type DraftLine, withLine, withQuantity } from "./order-draft.ts";
import styles from "./place.module.css";

/** Of one SKU in one order, as the API bounds it. */
const MOST = 10_000;
const SHOWN = 40;

/** The lines, with a search below. */
export function Lines({
  lines,
  stock,
  onChange,
}: {
  readonly lines: readonly DraftLine[];
  readonly stock: UseQueryResult<readonly Stock[]>;
  readonly onChange: (lines: readonly DraftLine[]) => void;
}) {
  const [search, setSearch] = useState("");
  const words = search.toLowerCase().split(/\s+/u);
  const nameOf = (sku: string) => stock.data?.find((item) => item.sku === sku)?.name ?? "";
  return (
    <Frame title="Items">
      {lines.length === 0 && <p className="dim">No item yet: add one from the catalogue.</p>}
      <ul className={styles["lines"]}>
        {lines.map(({ quantity, sku }) => (
          <li key={sku}>
            <span>
              <span className="mono">{sku}</span> <span className="dim">{nameOf(sku)}</span>
            </span>
            <span className={styles["quantity"]}>
              <IconButton
                icon="minus"
                label={`One ${sku} less`}
                onClick={() => onChange(withQuantity(lines, sku, quantity - 1))}
              />
              <input
                type="number"
                className={inputClass}
                aria-label={`Pieces of ${sku}`}
                min={1}
                max={MOST}
                value={quantity}
                onChange={({ target }) =>
                  onChange(withQuantity(lines, sku, Math.max(1, Math.min(MOST, Number(target.value) || 1))))
                }
              />
              <IconButton
                icon="plus"
                label={`One ${sku} more`}
                onClick={() => onChange(withQuantity(lines, sku, Math.min(MOST, quantity + 1)))}
              />
            </span>
            <IconButton
              icon="close"
              label={`Remove ${sku}`}
              onClick={() => onChange(withQuantity(lines, sku, 0))}
            />
          </li>
        ))}
      </ul>
      <TextField
        label="Catalogue"
        type="search"
        placeholder="SKU or name"
        value={search}
        onChange={({ target }) => setSearch(target.value)}
      />
      <Loaded query={stock}>
        {(items) => {
          const found = items.filter(({ name, sku }) =>
            words.every((word) => `${sku} ${name}`.toLowerCase().includes(word)),
          );
          if (found.length === 0) return <Empty title="Nothing in the catalogue has these words" />;
          return (
            <ul className={styles["found"]} tabIndex={0} aria-label="Catalogue">
              {found.slice(0, SHOWN).map(({ available, name, price, sku }) => (
                <li key={sku}>
                  <span>
                    <span className="mono">{sku}</span> <span className="dim">{name}</span>
                  </span>
                  <span className="dim">
                    <Money value={price} />, {formatCount(available)} left
                  </span>
                  <Button
                    icon="plus"
                    aria-label={`Add ${sku}`}
                    onClick={() => onChange(withLine(lines, sku))}
                  >
                    Add
                  </Button>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
    </Frame>
  );
}
