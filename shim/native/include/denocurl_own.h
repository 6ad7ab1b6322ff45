/* What each thread has for itself. */
#ifdef _MSC_VER
#define denocurl_own static __declspec(thread)
#else
#define denocurl_own static __thread
#endif
