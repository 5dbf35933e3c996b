// The client: the script that tidings puts first into every page.
import { start } from "./core.js";

start((url) => import(url));
