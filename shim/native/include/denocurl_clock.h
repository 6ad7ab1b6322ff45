/* Of timeval.c, into which build/patches.rs includes this: libcurl looks at the
   clock some thirty times for a small request. In a call that a coroutine runs,
   one look counts for those that follow, until time may have passed: something
   was sent or received, waited for, or asked of JavaScript. */

#include "denocurl_own.h"

/* So that no loop of libcurl's takes the time to stand still. */
#define DENOCURL_GLANCES 16

denocurl_own struct {
  bool keeps;
  /* For how many the last look still counts. */
  unsigned char left;
  struct curltime now;
} denocurl_clock;

void denocurl_keep_time(bool keeps);
void denocurl_keep_time(bool keeps)
{
  denocurl_clock.keeps = keeps;
  denocurl_clock.left = 0;
}

void denocurl_pass_time(void);
void denocurl_pass_time(void)
{
  denocurl_clock.left = 0;
}

void curlx_pnow(struct curltime *pnow)
{
  if(denocurl_clock.left) {
    denocurl_clock.left--;
    *pnow = denocurl_clock.now;
    return;
  }
  denocurl_look(pnow);
  if(denocurl_clock.keeps) {
    denocurl_clock.left = DENOCURL_GLANCES;
    denocurl_clock.now = *pnow;
  }
}
