// The script in the tag: the client, which imports `update` when there is another release.
import { start } from "./core.js";

start((url) => import(url));
