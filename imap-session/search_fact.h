/* Going through the facts (facts.h) of messages: for SEARCH, SORT and THREAD. */
#ifndef IMAP_SESSION_SEARCH_FACT_H
#define IMAP_SESSION_SEARCH_FACT_H

#include "imap-session/facts.h"
#include "imap-session/search.h"

/*
 * Call fn for each message of in that is there, in no certain order; facts that were
 * not made yet are made.  fn may run within a transaction and must not ask the
 * folder for anything.  0, or -1 with errno ECANCELED.
 */
int	 search_each_fact(const struct search_context *, enum facts_kind,
	    const struct number_set *in,
	    void (*fn)(void *arg, uint32_t uid, struct slice fact), void *arg);

#endif
