import { assert, assertEquals, assertNotEquals } from "./assert.ts";
import * as constants from "../src/tables/constants.ts";
import {
  INFO_NAME,
  INFO_NUMBER,
  infoIndex,
  InfoKind,
  infoKind,
  infoName,
  isUnsettable,
  OPTION_NAME,
  OPTION_NUMBER,
  OPTION_SLOT,
  OptionKind,
  optionKind,
  optionName,
  optionSlot,
  SLOT_OPTION,
} from "../src/tables/kinds.ts";

const KNOWN: [number, number][] = [
  [constants.URL, 10002],
  [constants.TIMEOUT, 13],
  [constants.WRITEFUNCTION, 20011],
  [constants.SSLCERT_BLOB, 40291],
  [constants.EFFECTIVE_URL, 0x100001],
  [constants.RESPONSE_CODE, 0x200002],
  [constants.TOTAL_TIME, 0x300003],
  [constants.SIZE_UPLOAD_T, 0x600007],
  [constants.E_OK, 0],
  [constants.E_WRITE_ERROR, 23],
  [constants.E_MULTI_CALL_MULTI_PERFORM, -1],
  [constants.LOCK_DATA_DNS, 3],
  [constants.SH_SHARE, 1],
  [constants.HTTPAUTH_ONLY, 0x80000000],
  [constants.SSLVERSION_MAX_TLSv1_3, 7 << 16],
  [constants.SOCKET_BAD, -1],
  [constants.READFUNC_ABORT, 0x10000000],
  [constants.VERSION_HTTP3, 1 << 25],
];

Deno.test("constants have libcurl's values", () => {
  for (const [value, expected] of KNOWN) assertEquals(value, expected);
});

Deno.test("constants are all numbers", () => {
  for (const [name, value] of Object.entries(constants)) {
    assert(Number.isSafeInteger(value), name);
  }
});

Deno.test("constants keep PycURL's names where option and info collide", () => {
  for (
    const [option, info] of [
      [constants.OPT_CERTINFO, constants.INFO_CERTINFO],
      [constants.OPT_COOKIELIST, constants.INFO_COOKIELIST],
      [constants.OPT_RTSP_SESSION_ID, constants.INFO_RTSP_SESSION_ID],
      [constants.HTTP_VERSION, constants.INFO_HTTP_VERSION],
      [constants.REFERER, constants.INFO_REFERER],
      [constants.CAINFO, constants.INFO_CAINFO],
    ]
  ) {
    assertNotEquals(optionKind(option), OptionKind.unknown);
    assertNotEquals(infoKind(info), InfoKind.unknown);
    assertEquals(optionName(option), infoName(info));
  }
});

Deno.test("constants of sizes stand for the 64-bit options", () => {
  assertEquals(constants.INFILESIZE, 30115);
  assertEquals(constants.RESUME_FROM, 30116);
  assertEquals(constants.MAXFILESIZE, 30117);
  assertEquals(constants.POSTFIELDSIZE, 30120);
});

Deno.test("optionKind() tells the kind of each sort of option", () => {
  for (
    const [option, kind] of [
      [constants.TIMEOUT, OptionKind.long],
      [constants.HTTPAUTH, OptionKind.long],
      [constants.POSTFIELDSIZE, OptionKind.offT],
      [constants.URL, OptionKind.string],
      [constants.POSTFIELDS, OptionKind.bytes],
      [constants.COPYPOSTFIELDS, OptionKind.bytes],
      [constants.HTTPHEADER, OptionKind.list],
      [constants.CAINFO_BLOB, OptionKind.blob],
      [constants.READFUNCTION, OptionKind.function],
      [constants.SHARE, OptionKind.share],
      [constants.WRITEDATA, OptionKind.writer],
      [constants.WRITEHEADER, OptionKind.writer],
      [constants.READDATA, OptionKind.reader],
      [constants.PRIVATE, OptionKind.private],
      [constants.CURLU, OptionKind.url],
      [constants.ERRORBUFFER, OptionKind.unsupported],
      [constants.XFERINFODATA, OptionKind.unsupported],
      [constants.MIMEPOST, OptionKind.mime],
      [constants.HTTPPOST, OptionKind.form],
      [constants.RESPONSE_CODE, OptionKind.unknown],
    ] as [number, OptionKind][]
  ) {
    assertEquals(optionKind(option), kind, `${option}`);
  }
});

Deno.test("optionKind() is unknown for numbers that are no option", () => {
  for (const option of [0, 8, 2, 20002, 9999, -1, 1e9, 2.5, NaN]) {
    assertEquals(optionKind(option), OptionKind.unknown, `${option}`);
    assertEquals(optionName(option), undefined, `${option}`);
    assertEquals(optionSlot(option), 0, `${option}`);
    assertEquals(isUnsettable(option), false, `${option}`);
  }
});

Deno.test("optionName() names every option once", () => {
  const names = OPTION_NAME.filter((name) => name !== "");
  assertEquals(new Set(names).size, names.length);
  for (const [index, number] of OPTION_NUMBER.entries()) {
    assertEquals(number === 0, OPTION_NAME[index] === "");
    if (number !== 0) assertEquals(optionName(number), OPTION_NAME[index]);
  }
});

Deno.test("optionSlot() numbers the callbacks from 1 without holes", () => {
  const slots = [...OPTION_SLOT].filter((slot) => slot > 0);
  slots.sort((a, b) => a - b);
  assertEquals(slots, slots.map((_, index) => index + 1));
  for (const slot of slots) assertEquals(optionSlot(SLOT_OPTION[slot]), slot);
  assertEquals(optionSlot(constants.WRITEFUNCTION), 1);
  assertEquals(optionSlot(constants.INTERLEAVEFUNCTION), 22);
});

Deno.test("isUnsettable() allows what PycURL's unsetopt() allows", () => {
  for (
    const option of [
      constants.CAINFO,
      constants.HTTPHEADER,
      constants.INFILESIZE,
      constants.OPT_CERTINFO,
      constants.SHARE,
      constants.WRITEFUNCTION,
      constants.WRITEHEADER,
    ]
  ) {
    assertEquals(isUnsettable(option), true, optionName(option));
  }
  for (
    const option of [constants.COOKIEFILE, constants.TIMEOUT, constants.URL]
  ) {
    assertEquals(isUnsettable(option), false, optionName(option));
  }
});

Deno.test("infoKind() tells the kind of each sort of info", () => {
  for (
    const [info, kind] of [
      [constants.EFFECTIVE_URL, InfoKind.string],
      [constants.RESPONSE_CODE, InfoKind.long],
      [constants.SIZE_UPLOAD, InfoKind.double],
      [constants.SIZE_UPLOAD_T, InfoKind.offT],
      [constants.INFO_COOKIELIST, InfoKind.list],
      [constants.INFO_CERTINFO, InfoKind.certinfo],
      [constants.ACTIVESOCKET, InfoKind.socket],
      [constants.INFO_PRIVATE, InfoKind.private],
      [constants.TLS_SSL_PTR, InfoKind.unsupported],
      [constants.URL, InfoKind.unknown],
    ]
  ) {
    assertEquals(infoKind(info), kind, `${info}`);
  }
});

Deno.test("infoKind() is unknown for numbers that are no info", () => {
  for (const info of [0, 0x100000, 0x100002, 0x700001, -1, 2 ** 40, NaN]) {
    assertEquals(infoKind(info), InfoKind.unknown, `${info}`);
    assertEquals(infoName(info), undefined, `${info}`);
  }
});

Deno.test("infoIndex() leads to every info's own place", () => {
  for (const [index, number] of INFO_NUMBER.entries()) {
    assertEquals(number === 0, INFO_NAME[index] === "");
    if (number !== 0) assertEquals(infoIndex(number), index);
  }
});
