/** The live connection in components. */
import { createContext, useContext, useEffect, useRef, useSyncExternalStore } from "react";
import type { LiveConnection, LiveHandler } from "./connection.ts";
import type { LiveState, Topic } from "./live-state.ts";

/** The page's connection. */
export const LiveContext = createContext<LiveConnection | undefined>(undefined);

/** The connection. @throws Error outside of its provider (programmer fault) */
export function useLiveConnection(): LiveConnection {
  const connection = useContext(LiveContext);
  if (!connection) throw new Error("there is no LiveContext");
  return connection;
}

/** What the connection is doing. */
export function useLiveState(): LiveState {
  const { snapshot, subscribe } = useLiveConnection();
  return useSyncExternalStore(subscribe, snapshot);
}

/** Follows a topic while the component is there; `undefined` follows nothing. */
export function useTopic(topic: Topic | undefined, handler: LiveHandler): void {
  const connection = useLiveConnection();
  const newest = useRef(handler);
  useEffect(() => {
    newest.current = handler;
  });
  useEffect(
    () => (topic === undefined ? undefined : connection.follow(topic, (message) => newest.current(message))),
    [connection, topic],
  );
}
