const response = await fetch(Deno.args[0]);
if ((await response.bytes()).length !== 1024) Deno.exit(1);
