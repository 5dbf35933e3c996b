// The types of what tidings adds to a page: `window.tidings`, and events on window whose names begin with `tidings:`.
// Served at /__tidings/client.d.ts. The client is loaded asynchronously, so `window.tidings` may still be undefined when
// a script of the page runs; listeners for the events can be added at any time.

/** How a tab handles a release. */
export type TidingsPolicy = "prompt" | "navigate" | "idle" | "force" | "silent";

/** The release that a page belongs to. */
export interface TidingsPageRelease {
  /** Equal for equal content. */
  id: string;
  /** Milliseconds since 1970. */
  built: number;
}

/** The release that is current, as the server announces it. */
export interface TidingsRelease extends TidingsPageRelease {
  /** When it was published, as in RFC 3339. */
  published?: string;
  /** The ids of the releases that it superseded, newest first. */
  previous?: string[];
  /** From the build's tidings.json. */
  label?: string;
  /** From the build's tidings.json: a text, or a URL. */
  notes?: string;
  /** From the build's tidings.json. */
  policy?: TidingsPolicy;
}

/** The detail of the events. */
export interface TidingsUpdate extends TidingsRelease {
  /** The id of the release that this page belongs to. */
  current: string;
  /** True if it was built earlier than the release of this page. */
  rollback: boolean;
  /** True if a part of this page is gone, so that the page can't continue without the release. */
  broken: boolean;
  /** The paths that differ; null if unknown, or if they are more than 2000. */
  changes: { added: string[]; changed: string[]; removed: string[] } | null;
  /** Reloads to the release, past caches and service workers. */
  refresh(): Promise<void>;
  /** Snoozes the notice in this browser, for longer each time. */
  later(): void;
}

export interface Tidings {
  /** The release of this page. */
  readonly release: TidingsPageRelease;
  /** The server's current release, as far as it is known. */
  readonly latest: TidingsRelease;
  /** `update` and `rollback`: the server's release is another one, built later or earlier. */
  readonly state: "current" | "update" | "rollback";
  /** Fetches the server's current release; resolves to the last known one if that fails. */
  check(): Promise<TidingsRelease>;
  /** Like the notice's Refresh button. */
  refresh(): void;
  /** Like the notice's Later button. */
  later(): void;
  /** Prevents automatic reloads until the returned function is called. */
  block(reason?: string): () => void;
  /** Adds a listener for an event, named without `tidings:`; returns a function that removes it. */
  on<K extends keyof TidingsEvents>(
    type: K,
    listener: (detail: TidingsEvents[K]["detail"], event: TidingsEvents[K]) => void,
  ): () => void;
}

export interface TidingsEvents {
  /** A notice is about to be shown. Cancelable: then none is, and the page handles the release itself. */
  update: CustomEvent<TidingsUpdate>;
  /** The notice is withdrawn: it was answered, here or in another tab, or there is no other release any more. */
  withdraw: CustomEvent<TidingsUpdate>;
  /** The page is about to be reloaded without a click of the visitor. Cancelable: then it is tried again later. */
  "before-reload": CustomEvent<TidingsUpdate>;
}

declare global {
  interface Window {
    tidings?: Tidings;
  }
  interface WindowEventMap {
    "tidings:update": TidingsEvents["update"];
    "tidings:withdraw": TidingsEvents["withdraw"];
    "tidings:before-reload": TidingsEvents["before-reload"];
  }
}
