/* The calls libcurl makes to libpsl; src/libcurl/psl.rs answers them. */
#ifndef DENOCURL_LIBPSL_H
#define DENOCURL_LIBPSL_H

/* A real libpsl may be loaded in the same process: keep out of its way. */
#define psl_builtin denocurl_psl_builtin
#define psl_free denocurl_psl_free
#define psl_get_version denocurl_psl_get_version
#define psl_is_cookie_domain_acceptable denocurl_psl_is_cookie_domain_acceptable
#define psl_is_public_suffix denocurl_psl_is_public_suffix
#define psl_latest denocurl_psl_latest

#define PSL_VERSION_NUMBER 0x001505

typedef struct psl_ctx_st psl_ctx_t;

/* Hidden here, they are hidden where Rust defines them too. */
#pragma GCC visibility push(hidden)

const psl_ctx_t *psl_builtin(void);
void psl_free(psl_ctx_t *psl);
const char *psl_get_version(void);
int psl_is_cookie_domain_acceptable(const psl_ctx_t *psl, const char *host,
                                    const char *cookie_domain);
int psl_is_public_suffix(const psl_ctx_t *psl, const char *domain);
psl_ctx_t *psl_latest(const char *file);

#pragma GCC visibility pop

#endif
