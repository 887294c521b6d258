/* Delivery into one text file per account: mboxrd, dot-lock and fcntl lock. */
#ifndef STORE_MBOX_H
#define STORE_MBOX_H

#include "lib/store/maildir.h"

/*
 * Append the message (dir is the file's path, from sender for the From_ line),
 * durably; a partial append is truncated away.  Waits at most 30 s for the
 * locks (EAGAIN).  0, or -1 with errno.
 */
int	 mbox_deliver(const struct maildir_delivery *, const char *sender,
	    uint64_t *stored);

#endif
