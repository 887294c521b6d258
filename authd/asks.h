/*
 * Asking a program that may take its time (tokend, pamd) without waiting: one
 * connection, made when it is needed, answers in any order.
 */
#ifndef AUTHD_ASKS_H
#define AUTHD_ASKS_H

#include <stdint.h>

#include "lib/base/ipc.h"

#define ASKS_MAX	256	/* questions without an answer */
#define ASKS_MS		18000	/* a question's patience */

struct asks;
struct event_base;

/*
 * Called once a question, from the loop, never from inside asks_send(): the
 * answer, to be decoded, or NULL when there will be none.  -1: it makes no
 * sense; whoever waits on the same connection gets none either.
 */
typedef int	 asks_fn(struct ipc_msg *answer, void *arg);

/*
 * name is the program's, its socket RUN/NAME/NAME.sock; for the log too.
 * Borrowed.
 */
struct asks	*asks_new(struct event_base *, const char *run_dir,
		    const char *name);
/* Questions without answer are forgotten. */
void		 asks_free(struct asks *);
/* The id of the next question. */
uint64_t	 asks_id(const struct asks *);
/*
 * Send the question, which has that id, and wipe it.  0, or -1 with errno:
 * EAGAIN, too many questions; else the program cannot be asked (which is
 * logged).
 */
int		 asks_send(struct asks *, struct ipc_msg *question, asks_fn *,
		    void *arg);

#endif
