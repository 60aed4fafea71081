/** Asks for an API key, where the node needs one. The node keeps it in a cookie that no script can read. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { send } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import { Button } from "../ui/button.tsx";
import { TextField } from "../ui/field.tsx";
import { Page } from "./page.tsx";
import styles from "./overlays.module.css";

/** The page of a caller whom the node does not know. */
export function SignIn() {
  const client = useQueryClient();
  const [key, setKey] = useState("");
  const signIn = useMutation({
    mutationFn: async () => await send("/v1/session", { method: "POST", body: { key: key.trim() } }),
    onSuccess: async () => await client.resetQueries(),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate();
  };
  const fault = signIn.error ? (problemOf(signIn.error).detail ?? problemOf(signIn.error).title) : undefined;
  return (
    <Page title="Sign in">
      <div className={styles["signIn"]}>
        <form onSubmit={submit}>
          <TextField
            label="API key"
            type="password"
            autoComplete="current-password"
            required
            value={key}
            onChange={({ target }) => setKey(target.value)}
            fault={fault}
            hint="An administrator makes one: node orderly.mjs keys create"
          />
          <Button kind="primary" type="submit" disabled={key.trim() === "" || signIn.isPending}>
            Sign in
          </Button>
        </form>
      </div>
    </Page>
  );
}

/** Who has signed in, and the way out. */
export function SignedIn({ name }: { readonly name: string }) {
  const client = useQueryClient();
  const signOut = useMutation({
    mutationFn: async () => await send("/v1/session", { method: "DELETE" }),
    onSuccess: async () => await client.resetQueries(),
  });
  return (
    <>
      <span className="dim">{name}</span>
      <Button kind="quiet" onClick={() => signOut.mutate()}>
        Sign out
      </Button>
    </>
  );
}
