/** The state of a page, kept in its address. */
import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import type { SearchCodec } from "./search-codec.ts";

/** Sets some values. `replace` while the user types, so that the way back is not through every key. */
export type SetSearch<Values> = (change: Partial<Values>, how?: { readonly replace?: boolean }) => void;

/** Values of the present address, and how to change them. */
export function useSearchState<Values extends object>(
  codec: SearchCodec<Values>,
): readonly [Values, SetSearch<Values>] {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const values = useMemo(() => codec.read(search), [codec, search]);
  const set = useCallback<SetSearch<Values>>(
    (change, { replace = false } = {}) => {
      // The address at the moment of the change: two changes before one drawing both count.
      const now = codec.read(window.location.search);
      const written = codec.write({ ...now, ...change });
      navigate(written === "" ? path : `${path}?${written}`, { replace });
    },
    [codec, navigate, path],
  );
  return [values, set];
}
