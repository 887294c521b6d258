/*
 * Listing reads every file of the queue: a child does it, so that the loop
 * goes on.
 */
#ifndef QUEUE_RUNNER_LISTER_H
#define QUEUE_RUNNER_LISTER_H

#include "lib/store/queue_list.h"

struct runner;

/*
 * Fork a child that writes the selected messages to fd as lines of
 * queue_item_format() and ends; it gives up after a minute.  0, or -1 with
 * errno.  fd stays the caller's.
 */
int	 lister_start(struct runner *, const struct queue_selector *, int fd);

/* The same with lines of queue_dest_format(), of every destination in use. */
int	 lister_start_dests(struct runner *, int fd);

#endif
