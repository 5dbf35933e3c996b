// The client with all that it would import, for policies that name it by its hash: those block its imports.
import { start } from "./core.js";
import update from "./update.js";

start(async () => ({ default: update }));
