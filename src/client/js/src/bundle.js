// The client with all its parts, for policies that name it by its hash: those would refuse what it imports.
import { start } from "./core.js";
import news from "./update.js";

start(async () => ({ default: news }));
