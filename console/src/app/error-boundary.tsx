/** Keeps a fault of one page from taking the others with it. */
import { Component, type ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/panel.tsx";

/** Shows what failed, until `of` changes. A page whose file is gone was built anew: the console has to be reloaded. */
export class ErrorBoundary extends Component<
  { readonly of: string; readonly children: ReactNode },
  { readonly error: Error | undefined; readonly of: string }
> {
  override state: { readonly error: Error | undefined; readonly of: string } = {
    error: undefined,
    of: this.props.of,
  };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps(props: { readonly of: string }, state: { readonly of: string }) {
    return props.of === state.of ? null : { error: undefined, of: props.of };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Empty
        title="This page has a fault"
        actions={
          <Button icon="retry" onClick={() => window.location.reload()}>
            Load the console again
          </Button>
        }
      >
        <span role="alert">{error.message}</span>
      </Empty>
    );
  }
}
