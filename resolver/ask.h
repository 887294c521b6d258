/*
 * Single DNS questions: a queue before libunbound, so that neither its
 * memory nor its sockets are a stranger's to fill.
 */
#ifndef RESOLVER_ASK_H
#define RESOLVER_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/config.h"
#include "resolver/wire.h"

#define ASK_SENT_MAX	4096	/* with libunbound at once */

struct ask;
struct asker;
struct event_base;

/*
 * The answer, valid until this returns.  It never comes before ask_start()
 * has returned, and within seconds or minutes, as servers are: who has less
 * patience calls ask_forget().
 */
typedef void	 ask_fn(void *arg, struct dns_answer *);

struct asker	*asker_new(struct event_base *, const struct config *);
/* Without waiting for answers; no callback comes any more. */
void		 asker_free(struct asker *);
/*
 * Forget what is known and read the trust anchors and resolv.conf again, for
 * questions from now on; the configuration itself stays.
 */
void		 asker_renew(struct asker *);
/* Renew if resolv.conf changed since it was read; cheap. */
void		 asker_check(struct asker *);

/*
 * Ask for the records of the type; name as name_parse() makes it.  *slot,
 * which must be NULL, names the question until it is answered.
 */
void		 ask_start(struct asker *, struct ask **slot, const char *name,
		    uint16_t type, ask_fn *, void *arg);
/* No answer is wanted any more; NULL in *slot does nothing. */
void		 ask_forget(struct ask **slot);

#endif
