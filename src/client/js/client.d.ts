// The types of what tidings adds to a page: `window.tidings`, and events on window whose names begin with `tidings:`.
// Served at /__tidings/client.d.ts. The client comes asynchronously, so `window.tidings` may not be there yet when a
// script of the page runs; listeners for the events can be added at any time.

/** What a tab does about a release. */
export type TidingsPolicy = "prompt" | "navigate" | "idle" | "force" | "silent";

/** The release that a page was cut from. */
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
  /** The ids of the releases that it replaced, newest first. */
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
  /** The id of the release that this page runs. */
  current: string;
  /** True if it was built earlier than what this page runs. */
  rollback: boolean;
  /** True if a part of this page is gone, so that it can't go on without the release. */
  broken: boolean;
  /** Which paths differ; null if that is not known, or if they are more than 2000. */
  changes: { added: string[]; changed: string[]; removed: string[] } | null;
  /** Takes the release: round caches and service workers, then reloads. */
  refresh(): Promise<void>;
  /** Puts it off for this browser, for longer each time. */
  later(): void;
}

export interface Tidings {
  /** What this page runs. */
  readonly release: TidingsPageRelease;
  /** What the server has, as far as it is known. */
  readonly latest: TidingsRelease;
  /** `update` and `rollback`: the server has another release. */
  readonly state: "current" | "update" | "rollback";
  /** Asks the server; gives what it has, or what was known before if it can't be asked. */
  check(): Promise<TidingsRelease>;
  /** As the button of the notice. */
  refresh(): void;
  /** As the button of the notice. */
  later(): void;
  /** Keeps the page from being reloaded unasked until the function that it returns is called. */
  block(reason?: string): () => void;
  /** Listens for an event, named without `tidings:`; returns what takes the listener off. */
  on<K extends keyof TidingsEvents>(
    type: K,
    listener: (detail: TidingsEvents[K]["detail"], event: TidingsEvents[K]) => void,
  ): () => void;
}

export interface TidingsEvents {
  /** The moment for a notice has come. Cancelable: then the page sees to it itself, and nothing is shown. */
  update: CustomEvent<TidingsUpdate>;
  /** The notice has to go: it was answered, here or in another tab, or there is no longer anything to tell. */
  withdraw: CustomEvent<TidingsUpdate>;
  /** The page is about to be reloaded, and the visitor did not click for it. Cancelable: then it is tried later. */
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
