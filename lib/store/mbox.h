/* Delivery into one text file per account: mboxrd, dot-lock and fcntl lock. */
#ifndef STORE_MBOX_H
#define STORE_MBOX_H

#include "lib/store/maildir.h"

/*
 * Append the message (dir is the file's path, sender goes into the From_
 * line), durably; a partial append is truncated away.  Waits at most 30 s for
 * the locks (EAGAIN); a dot-lock whose process is gone, or older than 15
 * minutes, is broken; where none can be made the fcntl lock must do.  A
 * missing file is made.  again is not looked at: a delivery that was cut off
 * between fsync and its report comes twice.  0 with the octets added in
 * *stored, or -1 with errno.  Not for threads.
 */
int	 mbox_deliver(const struct maildir_delivery *, const char *sender,
	    uint64_t *stored);

#endif
