import { Curl, URL } from "@denocurl/curl";

using easy = new Curl();
easy.setopt(URL, Deno.args[0]);
if (easy.performBytesSync().length !== 1024) Deno.exit(1);
