/* The part of GSS-API (RFC 2744) that libcurl uses, with MIT's layout on Linux.
   native/gss.c defines the functions, so no Kerberos package is needed to
   build. */
#ifndef DENOCURL_GSSAPI_H
#define DENOCURL_GSSAPI_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t OM_uint32;
typedef OM_uint32 gss_qop_t;
typedef int gss_cred_usage_t;

typedef struct gss_name_struct *gss_name_t;
typedef struct gss_cred_id_struct *gss_cred_id_t;
typedef struct gss_ctx_id_struct *gss_ctx_id_t;

typedef struct gss_buffer_desc_struct {
  size_t length;
  void *value;
} gss_buffer_desc, *gss_buffer_t;

typedef struct gss_OID_desc_struct {
  OM_uint32 length;
  void *elements;
} gss_OID_desc, *gss_OID;

typedef struct gss_OID_set_desc_struct {
  size_t count;
  gss_OID elements;
} gss_OID_set_desc, *gss_OID_set;

struct gss_channel_bindings_struct {
  OM_uint32 initiator_addrtype;
  gss_buffer_desc initiator_address;
  OM_uint32 acceptor_addrtype;
  gss_buffer_desc acceptor_address;
  gss_buffer_desc application_data;
};
typedef struct gss_channel_bindings_struct *gss_channel_bindings_t;

#define GSS_C_NO_BUFFER ((gss_buffer_t)0)
#define GSS_C_NO_CHANNEL_BINDINGS ((gss_channel_bindings_t)0)
#define GSS_C_NO_CONTEXT ((gss_ctx_id_t)0)
#define GSS_C_NO_CREDENTIAL ((gss_cred_id_t)0)
#define GSS_C_NO_NAME ((gss_name_t)0)
#define GSS_C_NO_OID ((gss_OID)0)
#define GSS_C_NO_OID_SET ((gss_OID_set)0)
#define GSS_C_NULL_OID GSS_C_NO_OID
#define GSS_C_EMPTY_BUFFER { 0, NULL }

#define GSS_C_DELEG_FLAG 1
#define GSS_C_MUTUAL_FLAG 2
#define GSS_C_REPLAY_FLAG 4
#define GSS_C_CONF_FLAG 16
#define GSS_C_INTEG_FLAG 32
#define GSS_C_CHANNEL_BOUND_FLAG 2048
#define GSS_C_DELEG_POLICY_FLAG 32768

#define GSS_C_INITIATE 1
#define GSS_C_GSS_CODE 1
#define GSS_C_MECH_CODE 2
#define GSS_C_QOP_DEFAULT 0
#define GSS_C_INDEFINITE ((OM_uint32)0xffffffff)

#define GSS_S_COMPLETE 0
#define GSS_S_CONTINUE_NEEDED 1
#define GSS_S_BAD_MIC ((OM_uint32)6 << 16)
#define GSS_S_FAILURE ((OM_uint32)13 << 16)
#define GSS_S_UNAVAILABLE ((OM_uint32)16 << 16)
#define GSS_ERROR(status) ((status) & 0xffff0000u)

extern gss_OID GSS_C_NT_HOSTBASED_SERVICE;

/* X(name, parameters after `OM_uint32 *minor`, their names) */
#define GSS_FUNCTIONS(X)                                                      \
  X(gss_acquire_cred,                                                         \
    (OM_uint32 * minor, gss_name_t name, OM_uint32 lifetime,                  \
     gss_OID_set mechs, gss_cred_usage_t usage, gss_cred_id_t *cred,          \
     gss_OID_set *got_mechs, OM_uint32 *got_lifetime),                        \
    (minor, name, lifetime, mechs, usage, cred, got_mechs, got_lifetime))     \
  X(gss_add_oid_set_member,                                                   \
    (OM_uint32 * minor, gss_OID member, gss_OID_set *set),                    \
    (minor, member, set))                                                     \
  X(gss_create_empty_oid_set, (OM_uint32 * minor, gss_OID_set *set),          \
    (minor, set))                                                             \
  X(gss_delete_sec_context,                                                   \
    (OM_uint32 * minor, gss_ctx_id_t *context, gss_buffer_t token),           \
    (minor, context, token))                                                  \
  X(gss_display_name,                                                         \
    (OM_uint32 * minor, gss_name_t name, gss_buffer_t text, gss_OID *type),   \
    (minor, name, text, type))                                                \
  X(gss_display_status,                                                       \
    (OM_uint32 * minor, OM_uint32 status, int type, gss_OID mech,             \
     OM_uint32 *more, gss_buffer_t text),                                     \
    (minor, status, type, mech, more, text))                                  \
  X(gss_import_name,                                                          \
    (OM_uint32 * minor, gss_buffer_t text, gss_OID type, gss_name_t *name),   \
    (minor, text, type, name))                                                \
  X(gss_indicate_mechs, (OM_uint32 * minor, gss_OID_set *set), (minor, set))  \
  X(gss_init_sec_context,                                                     \
    (OM_uint32 * minor, gss_cred_id_t cred, gss_ctx_id_t *context,            \
     gss_name_t target, gss_OID mech, OM_uint32 flags, OM_uint32 lifetime,    \
     gss_channel_bindings_t bindings, gss_buffer_t in, gss_OID *got_mech,     \
     gss_buffer_t out, OM_uint32 *got_flags, OM_uint32 *got_lifetime),        \
    (minor, cred, context, target, mech, flags, lifetime, bindings, in,       \
     got_mech, out, got_flags, got_lifetime))                                 \
  X(gss_inquire_context,                                                      \
    (OM_uint32 * minor, gss_ctx_id_t context, gss_name_t *source,             \
     gss_name_t *target, OM_uint32 *lifetime, gss_OID *mech,                  \
     OM_uint32 *flags, int *local, int *open),                                \
    (minor, context, source, target, lifetime, mech, flags, local, open))     \
  X(gss_release_buffer, (OM_uint32 * minor, gss_buffer_t buffer),             \
    (minor, buffer))                                                          \
  X(gss_release_cred, (OM_uint32 * minor, gss_cred_id_t *cred),               \
    (minor, cred))                                                            \
  X(gss_release_name, (OM_uint32 * minor, gss_name_t *name), (minor, name))   \
  X(gss_release_oid_set, (OM_uint32 * minor, gss_OID_set *set), (minor, set)) \
  X(gss_set_neg_mechs,                                                        \
    (OM_uint32 * minor, gss_cred_id_t cred, const gss_OID_set mechs),         \
    (minor, cred, mechs))                                                     \
  X(gss_unwrap,                                                               \
    (OM_uint32 * minor, gss_ctx_id_t context, gss_buffer_t in,                \
     gss_buffer_t out, int *confidential, gss_qop_t *qop),                    \
    (minor, context, in, out, confidential, qop))                             \
  X(gss_wrap,                                                                 \
    (OM_uint32 * minor, gss_ctx_id_t context, int want_confidential,          \
     gss_qop_t qop, gss_buffer_t in, int *confidential, gss_buffer_t out),    \
    (minor, context, want_confidential, qop, in, confidential, out))

#define GSS_DECLARE(name, params, args) OM_uint32 name params;
GSS_FUNCTIONS(GSS_DECLARE)
#undef GSS_DECLARE

#endif
