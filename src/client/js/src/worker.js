// The shared worker: holds the one event stream of a browser where there are no Web Locks, as on plain http.
// Its tabs say when they are in sight; with none in sight there is no stream.

import { guarded, listen } from "./no-throw.js";
import { stream } from "./stream.js";

const base = new URL(".", location).href;
const inSight = new Set();
const last = {};
let heard;

listen(self, "connect", ({ ports: [port] }) => {
  port.onmessage = guarded(({ data }) => {
    if (data) inSight.add(port);
    else inSight.delete(port);
    if (data && heard) for (const kind in last) port.postMessage(last[kind]);
    if (data > 1 && heard) heard.ask();
    if (inSight.size && !heard) heard = stream(base, tell);
    if (!inSight.size && heard) heard = heard.close();
  });
});

function tell(said) {
  last[said.id ? "release" : "hello"] = said;
  for (const port of inSight) port.postMessage(said);
}
