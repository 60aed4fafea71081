/** Choices of the user that this browser keeps. Storage may be forbidden: then a choice lasts until the page closes. */
import { useCallback, useState } from "react";

const PREFIX = "orderly.";

/** Reads a choice; the first of `values` when there is none, or when it is none of them. */
export function readStored<const Value extends string>(
  name: string,
  values: readonly [Value, ...Value[]],
): Value {
  try {
    const stored = window.localStorage.getItem(PREFIX + name);
    return values.find((value) => value === stored) ?? values[0];
  } catch {
    return values[0];
  }
}

/** A choice, and how to change it. */
export function useStored<const Value extends string>(
  name: string,
  values: readonly [Value, ...Value[]],
): readonly [Value, (value: Value) => void] {
  const [value, setValue] = useState(() => readStored(name, values));
  const change = useCallback(
    (next: Value) => {
      setValue(next);
      try {
        window.localStorage.setItem(PREFIX + name, next);
      } catch {
        // It lasts until the page closes.
      }
    },
    [name],
  );
  return [value, change];
}
