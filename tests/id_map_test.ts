import { assert, assertEquals } from "./assert.ts";
import { IdMap } from "../src/id_map.ts";

Deno.test("ids that come and go", () => {
  const map = new IdMap<{ id: number }>();
  const known = new Map<number, { id: number }>();
  for (let id = 0; id < 10_000; id++) {
    // Some come again, some stay, most are new.
    for (const one of [id, id % 7]) {
      const value = { id: one };
      map.set(one, value);
      known.set(one, value);
    }
    const gone = id - id % 5;
    map.delete(gone);
    map.delete(gone);
    known.delete(gone);
    assertEquals(map.has(gone), false);
    assertEquals(map.get(gone), undefined);
  }
  for (let id = 0; id < 10_000; id++) assert(map.get(id) === known.get(id));
  const values = new Set(map.values());
  assertEquals(values, new Set(known.values()));
  map.clear();
  assertEquals(map.values(), []);
});
