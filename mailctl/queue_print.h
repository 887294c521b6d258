/* How mailctl shows queued messages. */
#ifndef MAILCTL_QUEUE_PRINT_H
#define MAILCTL_QUEUE_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/net/proto_control.h"
#include "lib/store/queue_list.h"
#include "mailctl/json.h"

struct queue_print {
	bool		 json;
	struct json	 j;
	uint64_t	 count, octets;
};

void	 queue_print_begin(struct queue_print *, bool json);
/* A queue_list_fn; arg is a struct queue_print.  1 when nobody reads on. */
int	 queue_print_item(const struct queue_item *, void *arg);
void	 queue_print_end(struct queue_print *);

/* A destination; after queue_print_begin(), as items. */
int	 queue_print_dest(const struct queue_dest *, struct queue_print *);
void	 queue_print_end_dests(struct queue_print *);

/*
 * One message: envelope, recipients and their last tries, header section; or
 * with message the whole message as it is.  The exit code.
 */
int	 queue_print_shown(const char *id, const struct control_shown *,
	    bool message, bool json);

#endif
