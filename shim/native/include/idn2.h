/* The calls libcurl makes to libidn2; src/libcurl/idn.rs answers them. */
#ifndef DENOCURL_IDN2_H
#define DENOCURL_IDN2_H

/* A real libidn2 may be loaded in the same process: keep out of its way. */
#define idn2_check_version denocurl_idn2_check_version
#define idn2_free denocurl_idn2_free
#define idn2_lookup_ul denocurl_idn2_lookup_ul
#define idn2_to_unicode_8z8z denocurl_idn2_to_unicode_8z8z

/* What libcurl calls on Windows: it is UTF-8 either way. */
#define idn2_lookup_u8(name, ascii, flags) \
  idn2_lookup_ul((const char *)(name), (char **)(ascii), flags)

#define IDN2_VERSION "2.3.8"
#define IDN2_VERSION_NUMBER 0x02030008

#define IDN2_OK 0
#define IDN2_NFC_INPUT 1
#define IDN2_TRANSITIONAL 4
#define IDN2_NONTRANSITIONAL 8
#define IDNA_SUCCESS IDN2_OK
#define IDNA_MALLOC_ERROR (-100)

/* Hidden here, they are hidden where Rust defines them too. */
#pragma GCC visibility push(hidden)

const char *idn2_check_version(const char *wanted);
void idn2_free(void *text);
int idn2_lookup_ul(const char *name, char **ascii, int flags);
int idn2_to_unicode_8z8z(const char *name, char **unicode, int flags);

#pragma GCC visibility pop

#endif
